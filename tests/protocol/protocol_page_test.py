#!/usr/bin/env python3
"""Runs the client of docs/PROTOCOL.md as it stands there, against a server of three lines.

Usage: protocol_page_test.py SOURCE_FOLDER PROTOC. Exit 77 (skipped) without pyzmq or protobuf."""

import pathlib
import re
import subprocess
import sys
import tempfile
import threading

try:
    import google.protobuf  # noqa: F401
    import zmq
except ImportError as error:
    print(f"skipped: {error} (packages python3-zmq, python3-protobuf)")
    sys.exit(77)

ROOT = pathlib.Path(sys.argv[1])
FAILURE = "not_found: Request for unknown model 'unicorn'"


def answer(socket, kserve):
    """Answers three requests: a late answer to another one and the echo, a failure, a health check."""
    identity, header, body = socket.recv_multipart()
    request = kserve.ModelInferRequest.FromString(header)
    assert request.parameters["client"].string_param == "python-example"
    assert request.parameters["timeout"].int64_param > 0
    reply = kserve.ModelInferResponse(model_name=request.model_name, id="an earlier one")
    socket.send_multipart([identity, reply.SerializeToString()])
    reply.id = request.id
    given = request.inputs[0]
    reply.outputs.add(name="echo", datatype=given.datatype, shape=given.shape)
    socket.send_multipart([identity, reply.SerializeToString(), body])

    identity, header, body = socket.recv_multipart()
    reply = kserve.ModelInferResponse(id=kserve.ModelInferRequest.FromString(header).id)
    reply.parameters["status"].string_param, reply.parameters["message"].string_param = FAILURE.split(": ")
    socket.send_multipart([identity, reply.SerializeToString()])

    identity, empty, method, body = socket.recv_multipart()
    assert (empty, method) == (b"", b"ServerReady"), (empty, method)
    kserve.ServerReadyRequest.FromString(body)
    ready = kserve.ServerReadyResponse(ready=True).SerializeToString()
    socket.send_multipart([identity, b"", b"ok", b"", ready])


def run(folder, code, *arguments):
    script = folder / "example.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    print(done.stdout, done.stderr)
    return done


def main():
    client, control = re.findall(r"```python\n(.*?)```", (ROOT / "docs/PROTOCOL.md").read_text(), re.DOTALL)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        proto = [sys.argv[2], f"--proto_path={ROOT}", f"--python_out={folder}", "protocol/kserve_v2.proto"]
        subprocess.run(proto, check=True)
        sys.path.insert(0, str(folder))
        from protocol import kserve_v2_pb2 as kserve

        endpoint = f"ipc://{folder}/data.sock"
        socket = zmq.Context().socket(zmq.ROUTER)
        socket.linger, socket.rcvtimeo = 1000, 60000
        socket.bind(endpoint)
        server = threading.Thread(target=answer, args=(socket, kserve), daemon=True)
        server.start()

        good = run(folder, client, endpoint, "muon", "input", "3")
        assert good.stdout.strip() == "{'echo': ([1, 3], (0.0, 0.25, 0.5))}", good.stdout
        bad = run(folder, client, endpoint, "unicorn", "input", "3")
        assert bad.returncode != 0 and FAILURE in bad.stderr, bad.stderr
        imports = "import zmq\nfrom protocol import kserve_v2_pb2 as kserve\n"
        health = run(folder, imports + control.replace("ipc:///run/bunchd/control.sock", endpoint))
        assert health.stdout.strip() == "True", health.stdout
        server.join(60)
        assert not server.is_alive()


main()
