#include "core/data_type.h"

#include <array>

namespace bunch {
namespace {

struct Entry {
    std::string_view name;
    std::size_t size;
};

constexpr std::array<Entry, 13> kTypes = {{{"BOOL", 1},
                                           {"UINT8", 1},
                                           {"UINT16", 2},
                                           {"UINT32", 4},
                                           {"UINT64", 8},
                                           {"INT8", 1},
                                           {"INT16", 2},
                                           {"INT32", 4},
                                           {"INT64", 8},
                                           {"FP16", 2},
                                           {"BF16", 2},
                                           {"FP32", 4},
                                           {"FP64", 8}}};

}  // namespace

std::size_t size_of(DataType type) {
    return kTypes[static_cast<std::size_t>(type)].size;
}

std::string_view name_of(DataType type) {
    return kTypes[static_cast<std::size_t>(type)].name;
}

std::optional<DataType> data_type_named(std::string_view name) {
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
        if (kTypes[i].name == name) return static_cast<DataType>(i);
    }
    return std::nullopt;
}

bool is_data_type(std::uint8_t number) {
    return number < kTypes.size();
}

}  // namespace bunch
