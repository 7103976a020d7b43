#include "muon/rtl/stream_text.h"

#include <fmt/format.h>

#include "muon/rtl/text_marks.h"

namespace bunch::muon {
namespace {

// Marks in capitals between @ are replaced.
constexpr const char* kStream = R"sv(// Made by 'bunch-muon rtl'; do not edit.
// AXI4-Stream around muon_core: a sample per clock while the receiver takes one per clock. The core
// never waits; a sample enters only if the queue behind the core will have room for its result.
module muon_stream (
    input  wire clk,
    input  wire rst_n,
    input  wire [@IN_HIGH@:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire [@OUT_HIGH@:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast
);
    localparam LATENCY = @LATENCY@;
    localparam DEPTH_BITS = @DEPTH_BITS@;
    localparam [DEPTH_BITS:0] DEPTH = 1 << DEPTH_BITS;

    // Places in the queue that nobody is on the way to.
    reg [DEPTH_BITS:0] room;
    wire entered = s_axis_tvalid && s_axis_tready;
    wire left = m_axis_tvalid && m_axis_tready;
    assign s_axis_tready = room != 0;
    always @(posedge clk)
        if (!rst_n) room <= DEPTH;
        else if (entered && !left) room <= room - 1'b1;
        else if (left && !entered) room <= room + 1'b1;

    wire [@OUT_BITS_HIGH@:0] results;
    muon_core core (.clk(clk), .in_fields(s_axis_tdata[@IN_BITS_HIGH@:0]), .out_results(results));

    reg [LATENCY-1:0] valid, last;
    always @(posedge clk) begin
        valid <= rst_n ? {valid[LATENCY-2:0], entered} : {LATENCY{1'b0}};
        last <= {last[LATENCY-2:0], s_axis_tlast};
    end

    reg [@OUT_BITS@:0] queue [0:(1 << DEPTH_BITS) - 1];
    reg [DEPTH_BITS-1:0] head, tail;
    reg [DEPTH_BITS:0] waiting;
    wire push = valid[LATENCY-1];
    assign m_axis_tvalid = waiting != 0;
    assign {m_axis_tlast, m_axis_tdata[@OUT_BITS_HIGH@:0]} = queue[head];
@PADDING@    always @(posedge clk) begin
        if (push) queue[tail] <= {last[LATENCY-1], results};
        if (!rst_n) begin
            head <= 0;
            tail <= 0;
            waiting <= 0;
        end else begin
            if (push) tail <= tail + 1'b1;
            if (left) head <= head + 1'b1;
            waiting <= waiting + {{DEPTH_BITS{1'b0}}, push} - {{DEPTH_BITS{1'b0}}, left};
        end
    end
endmodule
)sv";

constexpr const char* kBench =
    R"cpp(// Made by 'bunch-muon verify'; compiled with Verilator's classes, not part of the
          // hardware.
#include <verilated.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "Vmuon_stream.h"

          using Words = std::array<std::uint32_t, 4>;

          template <typename Port>
          void set(Port& port, const Words& words) {
              std::memcpy(&port, words.data(), sizeof(port));
          }

          template <typename Port>
          Words get(const Port& port) {
              Words words{};
              std::memcpy(words.data(), &port, sizeof(port));
              return words;
          }

          std::vector<Words> read(const char* path) {
              std::ifstream file(path, std::ios::binary);
              std::vector<Words> all;
              for (Words words{}; file.read(reinterpret_cast<char*>(words.data()), sizeof(words));)
                  all.push_back(words);
              return all;
          }

          struct Sample {
              std::size_t index;
              bool last;
          };

          int main(int argc, char** argv) {
              if (argc != 7) return 2;
              const std::string mode = argv[1];
              const std::vector<Words> inputs = read(argv[2]), expected = read(argv[3]);
              std::mt19937_64 random(std::strtoull(argv[4], nullptr, 10));
              const auto stalls = std::strtoull(argv[5], nullptr, 10);
              const auto period = std::strtoull(argv[6], nullptr, 10);
              const auto stalled = [&] { return stalls > 0 && random() % 100 < stalls; };

              VerilatedContext context;
              auto top = std::make_unique<Vmuon_stream>(&context, "top");
              const auto clock = [&] {
                  top->clk = 0;
                  top->eval();
                  top->clk = 1;
                  top->eval();
              };
              top->rst_n = 0;
              top->s_axis_tvalid = 0;
              top->m_axis_tready = 0;
              for (int i = 0; i < 40; ++i) clock();
              top->rst_n = 1;

              // Crossings come every `period` clocks: "full" has eight muons in each, "crossings" 0
              // to 8.
              std::deque<Sample> waiting;
              std::deque<bool> lasts;
              std::size_t arrived = 0, entered = 0, left = 0, mismatches = 0, most_waiting = 0, crossings = 0;
              std::uint64_t clocks = 0, first_in = 0, latency = 0;
              bool offered = false;
              while (left < inputs.size() && clocks < 100 * (inputs.size() + 1000)) {
                  if (mode == "stream") {
                      if (waiting.empty() && arrived < inputs.size())
                          waiting.push_back({arrived++, random() % 4 == 0});
                  } else if (clocks % period == 0 && arrived < inputs.size()) {
                      std::size_t muons = mode == "full" ? 8 : random() % 9;
                      for (; muons > 0 && arrived < inputs.size(); --muons)
                          waiting.push_back({arrived++, muons == 1});
                      ++crossings;
                  }
                  if (waiting.size() > most_waiting) most_waiting = waiting.size();
                  offered = !waiting.empty() && (offered || !stalled());  // what is valid stays
                                                                          // valid
                  top->s_axis_tvalid = offered;
                  if (offered) {
                      set(top->s_axis_tdata, inputs[waiting.front().index]);
                      top->s_axis_tlast = waiting.front().last;
                  }
                  top->m_axis_tready = !stalled();
                  top->clk = 0;
                  top->eval();
                  if (top->m_axis_tvalid && left == 0 && latency == 0) latency = clocks - first_in;
                  if (offered && top->s_axis_tready) {
                      if (entered++ == 0) first_in = clocks;
                      lasts.push_back(waiting.front().last);
                      waiting.pop_front();
                      offered = false;
                  }
                  if (top->m_axis_tvalid && top->m_axis_tready) {
                      if (lasts.empty()) break;  // more results than samples
                      mismatches += get(top->m_axis_tdata) != expected[left] ||
                                    static_cast<bool>(top->m_axis_tlast) != lasts.front();
                      lasts.pop_front();
                      ++left;
                  }
                  top->clk = 1;
                  top->eval();
                  ++clocks;
              }
              top->final();
              std::printf(
                  "{\"vectors\": %zu, \"returned\": %zu, \"mismatches\": %zu, \"clocks\": %llu, "
                  "\"latency_with_queue\": %llu, \"crossings\": %zu, \"most_waiting\": %zu}\n",
                  inputs.size(), left, mismatches, static_cast<unsigned long long>(clocks),
                  static_cast<unsigned long long>(latency), crossings, most_waiting);
              return 0;
          }
    )cpp";

}  // namespace

std::string stream_text(int input_bits, int output_bits, int latency) {
    constexpr int kRoundTrip = 3;  // clocks from the core's end to a place that is free again
    int depth_bits = 2;
    while ((1 << depth_bits) < latency + kRoundTrip) ++depth_bits;
    const int in_bytes = (input_bits + 7) / 8, out_bytes = (output_bits + 7) / 8;
    std::string text = kStream;
    fill_mark(text, "IN_HIGH", std::to_string(8 * in_bytes - 1));
    fill_mark(text, "OUT_HIGH", std::to_string(8 * out_bytes - 1));
    fill_mark(text, "IN_BITS_HIGH", std::to_string(input_bits - 1));
    fill_mark(text, "OUT_BITS_HIGH", std::to_string(output_bits - 1));
    fill_mark(text, "OUT_BITS", std::to_string(output_bits));
    fill_mark(text, "LATENCY", std::to_string(latency));
    fill_mark(text, "DEPTH_BITS", std::to_string(depth_bits));
    const int padding = 8 * out_bytes - output_bits;
    fill_mark(text, "PADDING",
              padding == 0 ? ""
                           : fmt::format("    assign m_axis_tdata[{}:{}] = {}'d0;\n",
                                         8 * out_bytes - 1, output_bits, padding));
    return text;
}

std::string bench_text() {
    return kBench;
}

}  // namespace bunch::muon
