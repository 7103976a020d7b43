/// Samples as folders of .npy files, for numpy, too: muons/fields.npy (INT32 [N,5]: phi, eta, pt,
/// charge, quality), muons/offline.npy (FP32 [N,3]: phi, eta in the hardware's units, pt in GeV),
/// pairs/fields.npy (INT32 [N,10]), pairs/real.npy (UINT8 [N]); generate.json is the record.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/fields.h"

namespace bunch::muon {

Status write_muons(const std::string& folder, const MuonSample& sample);
Status write_pairs(const std::string& folder, const PairSample& sample);

/// What lies on the wires: [N][5], [N][10].
std::vector<std::int32_t> fields_of(const MuonSample& sample);
std::vector<std::int32_t> fields_of(const PairSample& sample);

/// not_found (the record, too), or invalid_argument for files that are no such sample (of another
/// shape or type, empty, fields out of their widths, numbers that are none); names file and row.
Result<MuonSample> read_muons(const std::string& folder);
Result<PairSample> read_pairs(const std::string& folder);

/// Makes `folder` where it is missing: before work whose results go there. unavailable if it cannot
/// be made or written to.
Status make_folder(const std::string& folder);

/// Writes next to `path` and renames, so that nobody sees half a file. Makes missing folders.
Status write_text(const std::string& path, const std::string& text);

/// not_found if it cannot be read.
Result<std::string> read_text(const std::string& path);

/// Rows of integers as the hardware has them: INT32 [N, columns].
Status write_integers(const std::string& path, std::span<const std::int32_t> numbers,
                      std::size_t columns);
Result<std::vector<std::int32_t>> read_integers(const std::string& path, std::size_t columns);

}  // namespace bunch::muon
