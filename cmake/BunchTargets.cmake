# How a folder becomes a target. One call per folder; see core/CMakeLists.txt for the plainest use.
include(CMakeParseArguments)

# bunch_add_library(NAME SOURCES a.cpp ... HEADERS a.h ... [LINK public...] [PRIVATE private...])
# Makes the static library bunch_NAME (an interface library without SOURCES). Its headers form a
# file set, so the target all_verify_interface_header_sets compiles each of them alone.
function(bunch_add_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;LINK;PRIVATE" ${ARGN})
    set(target bunch_${name})
    if(arg_SOURCES)
        add_library(${target} STATIC ${arg_SOURCES})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE bunch_compile_options ${arg_PRIVATE})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_sources(${target} ${scope}
        FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    target_link_libraries(${target} ${scope} ${arg_LINK})
endfunction()

# bunch_add_program(NAME SOURCES ... LINK ... [DESTINATION dir] [COMPONENT component])
# Makes the executable NAME in <build>/bin and installs it when a DESTINATION is given.
function(bunch_add_program name)
    cmake_parse_arguments(arg "" "DESTINATION;COMPONENT" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE bunch_compile_options ${arg_LINK})
    if(arg_DESTINATION)
        install(TARGETS ${name} RUNTIME DESTINATION ${arg_DESTINATION} COMPONENT ${arg_COMPONENT})
    endif()
endfunction()

# bunch_add_backend(NAME SOURCES ... [LINK ...])
# Makes bunch-runner-NAME, which the daemon starts for devices with backend = "NAME".
function(bunch_add_backend name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    bunch_add_program(bunch-runner-${name} SOURCES ${arg_SOURCES} LINK bunch_runner ${arg_LINK}
        DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/bunch COMPONENT bunchd)
endfunction()

# bunch_add_test(NAME SOURCES ... LINK ... [LABELS ...])
# Makes NAME_test; every TEST in it is a CTest test of its own.
function(bunch_add_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(target ${name}_test)
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE bunch_compile_options ${arg_LINK}
                          GTest::gtest GTest::gmock GTest::gtest_main)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${name}."
        PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
