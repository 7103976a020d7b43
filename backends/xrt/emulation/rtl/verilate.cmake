# Run by the build: has Verilator write the C++ of dense_kernel.sv for one network (verilated.cpp, all
# of it in one file) and makes the file that wraps it (net.cpp). Warnings of Verilator are errors.
file(REMOVE_RECURSE ${out}/verilator)
execute_process(
    COMMAND ${verilator} --cc -O3 -Wall --x-initial unique --top-module dense_kernel
            --prefix V${name} --Mdir ${out}/verilator -I${net} -I${rtl} ${rtl}/dense_kernel.sv
    COMMAND_ERROR_IS_FATAL ANY)
file(GLOB sources ${out}/verilator/*.cpp)
set(content "")
foreach(source ${sources})
    file(READ ${source} text)
    string(APPEND content "${text}\n")
endforeach()
file(WRITE ${out}/verilated.cpp "${content}")
file(GLOB headers ${out}/verilator/*.h)
file(COPY ${headers} DESTINATION ${out}/include)  # apart from net.cpp: not ours to warn about
file(READ ${net}/dense_net.svh description)
configure_file(${rtl}/net.cpp.in ${out}/net.cpp @ONLY)
