# libbunch: the client library as others use it, one shared object with its headers and a package
# for find_package(bunch). And the Debian packages.
include(CMakePackageConfigHelpers)
find_package(cppzmq REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)

add_library(bunch-client SHARED
    $<TARGET_OBJECTS:bunch_client> $<TARGET_OBJECTS:bunch_protocol>
    $<TARGET_OBJECTS:bunch_proto> $<TARGET_OBJECTS:bunch_core>)
set_target_properties(bunch-client PROPERTIES OUTPUT_NAME bunch EXPORT_NAME client LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION 0 LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
target_link_libraries(bunch-client PRIVATE protobuf::libprotobuf cppzmq Threads::Threads)

set(headers ${CMAKE_INSTALL_INCLUDEDIR}/bunch)
target_include_directories(bunch-client INTERFACE $<INSTALL_INTERFACE:${headers}>)
target_compile_features(bunch-client INTERFACE cxx_std_20)
install(TARGETS bunch-client EXPORT bunch LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        COMPONENT libbunch NAMELINK_COMPONENT libbunch-dev)
foreach(library client protocol core)
    get_target_property(files bunch_${library} HEADER_SET)
    foreach(file ${files})
        get_filename_component(file ${file} NAME)
        install(FILES ${PROJECT_SOURCE_DIR}/${library}/${file} DESTINATION ${headers}/${library}
                COMPONENT libbunch-dev)
    endforeach()
endforeach()
install(EXPORT bunch NAMESPACE bunch:: FILE bunchTargets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bunch COMPONENT libbunch-dev)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/bunchConfig.cmake
    "include(\${CMAKE_CURRENT_LIST_DIR}/bunchTargets.cmake)\n")
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/bunchConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bunchConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/bunchConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bunch COMPONENT libbunch-dev)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "bunchd maintainers <maintainers@bunchd.example>")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL bunchd bunch libbunch libbunch-dev)
set(CPACK_DEBIAN_BUNCHD_PACKAGE_NAME bunchd)
set(CPACK_DEBIAN_BUNCH_PACKAGE_NAME bunch)
set(CPACK_DEBIAN_LIBBUNCH_PACKAGE_NAME libbunch0)
set(CPACK_DEBIAN_LIBBUNCH-DEV_PACKAGE_NAME libbunch-dev)
set(CPACK_DEBIAN_LIBBUNCH-DEV_PACKAGE_DEPENDS "libbunch0 (= ${PROJECT_VERSION})")
include(CPack)
