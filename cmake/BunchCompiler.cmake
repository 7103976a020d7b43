# Language level, warnings, sanitizers, ccache and linker: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(BUNCH_CCACHE ccache)
if(BUNCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${BUNCH_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${BUNCH_CCACHE})
endif()

add_library(bunch_compile_options INTERFACE)
target_compile_options(bunch_compile_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    # g++ 12 warns wrongly about std::string assignments, https://gcc.gnu.org/PR105651
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    $<$<BOOL:${BUNCH_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(bunch_compile_options INTERFACE ${PROJECT_SOURCE_DIR})

if(BUNCH_SANITIZE)
    add_compile_options(-fsanitize=${BUNCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${BUNCH_SANITIZE})
    add_compile_definitions(_GLIBCXX_ASSERTIONS) # empty optionals, indexes beyond a vector
endif()
