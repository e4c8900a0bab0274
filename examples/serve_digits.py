"""Serve a classifier of digits by FastAPI and onnxruntime, and beside it the same by joblib.

    pip install 'sknets[serve]'
    python examples/serve_digits.py train              # build/digits.onnx and build/digits.joblib
    python examples/serve_digits.py serve --port 8000  # POST /predict, GET /health
    python examples/serve_digits.py measure            # both servers, 200 requests at once

A request is an image of 8 times 8 pixels from 0 to 16. A graph checks nothing,
so the service does: sizes, range, and that every value is a number.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Annotated

import numpy as np

Pixels = "an image of 8 rows of 8 pixels, from 0 (white) to 16 (black)"
N_REQUESTS = 200


def train(folder):
    """Fit a convolutional network, and write it both ways."""
    import joblib
    from sklearn.datasets import load_digits

    from sknets import CNNClassifier, to_onnx

    digits = load_digits()
    network = CNNClassifier(max_iter=10, learning_rate="one_cycle", random_state=0)
    network.fit(digits.images[:1200], digits.target[:1200])
    print(f"accuracy: {network.score(digits.images[1200:], digits.target[1200:]):.3f}")
    folder.mkdir(parents=True, exist_ok=True)
    to_onnx(network, digits.images[:200], folder / "digits.onnx")
    joblib.dump(network, folder / "digits.joblib")
    for path in sorted(folder.glob("digits.*")):
        print(f"{path}: {path.stat().st_size:,} bytes")


def load_onnx(path):
    """Return a function from images to probabilities, without Torch and scikit-learn."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # requests come side by side, and each is small
    session = onnxruntime.InferenceSession(path, options)
    return lambda images: session.run(["probabilities"], {"X": images.astype(np.float32)})[0]


def load_joblib(path):
    """Return the same by the estimator itself."""
    import joblib
    import torch

    torch.set_num_threads(1)
    return joblib.load(path).predict_proba


def make_app(predict, name):
    """Return the service around a function from images to probabilities."""
    from fastapi import FastAPI
    from pydantic import BaseModel, Field

    pixel = Annotated[float, Field(ge=0, le=16, allow_inf_nan=False)]
    row = Annotated[list[pixel], Field(min_length=8, max_length=8)]

    class Digit(BaseModel):
        image: Annotated[list[row], Field(min_length=8, max_length=8, description=Pixels)]

    class Answer(BaseModel):
        digit: int
        probabilities: list[float]

    app = FastAPI(title="Digits")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "model": name}

    @app.post("/predict")
    async def answer(digit: Digit) -> Answer:
        (shares,) = predict(np.array([digit.image]))
        return Answer(digit=int(shares.argmax()), probabilities=shares.tolist())

    return app


def check_port(port):
    """End with a message if a port cannot be had."""
    with closing(socket.socket()) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"Port {port} is in use ({error.strerror}): choose another one by --port.")


def serve(path, port):
    """Serve a model until Ctrl-C."""
    import uvicorn

    check_port(port)
    if not path.exists():
        sys.exit(f"{path} is not there: run `{Path(__file__).name} train` first.")
    load = load_onnx if path.suffix == ".onnx" else load_joblib
    app = make_app(load(path), path.name)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", backlog=2 * N_REQUESTS)


# --- measuring ------------------------------------------------------------------------------------


def free_port():
    """Return a port that nobody uses."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Client:
    """One connection that is kept open, with as little as HTTP needs: the service is what takes time."""

    def __init__(self, port):
        self.port = port

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *error):
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, method, path, body=b""):
        """Return the status and the text of an answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        return int(head.split()[1]), await self._reader.readexactly(length)

    async def ask(self, image):
        """Return the milliseconds and the answer of one request."""
        body = json.dumps({"image": image}).encode()
        started = time.perf_counter()
        status, text = await self.send("POST", "/predict", body)
        seconds = time.perf_counter() - started
        assert status == 200, text
        return 1000 * seconds, json.loads(text)["digit"]


async def wait_for(port):
    """Wait until a service is healthy; return the seconds that it took."""
    started = time.perf_counter()
    while time.perf_counter() - started < 120:
        try:
            async with Client(port) as client:
                if (await client.send("GET", "/health"))[0] == 200:
                    return time.perf_counter() - started
        except ConnectionError:
            await asyncio.sleep(0.02)
    raise TimeoutError("The service does not start.")


async def measure_one(port, images):
    """Return seconds of the start, milliseconds one by one and all at once, and the answers."""
    start = await wait_for(port)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(port)) for _ in images]
        dark = json.dumps({"image": [[17.0] * 8] * 8}).encode()
        status, _ = await clients[0].send("POST", "/predict", dark)
        assert status == 422, "pixels beyond 16 must be refused"
        alone = [(await clients[0].ask(image))[0] for image in images]
        pairs = zip(clients, images, strict=True)
        at_once = await asyncio.gather(*(client.ask(image) for client, image in pairs))
    return start, alone, *zip(*at_once, strict=True)


def measure(folder):
    """Start both services, ask both, and print medians and 99th percentiles."""
    from sklearn.datasets import load_digits

    if not (folder / "digits.onnx").exists():
        train(folder)
    digits = load_digits().images[-N_REQUESTS:]
    print(f"{'':16}{'start':>8}{'one by one, ms':>20}{'200 at once, ms':>20}{'answers':>12}")
    print(f"{'':16}{'s':>8}{'p50':>10}{'p99':>10}{'p50':>10}{'p99':>10}{'as alone':>12}")
    for path in (folder / "digits.onnx", folder / "digits.joblib"):
        port = free_port()
        command = [sys.executable, __file__, "serve", "--model", str(path), "--port", str(port)]
        server = subprocess.Popen(command)
        try:
            start, alone, at_once, found = asyncio.run(measure_one(port, digits.tolist()))
        finally:
            server.terminate()
            server.wait()
        expected = (load_onnx if path.suffix == ".onnx" else load_joblib)(path)(digits)
        n_right = int(np.sum(expected.argmax(axis=1) == np.array(found)))
        numbers = [np.percentile(times, q) for times in (alone, at_once) for q in (50, 99)]
        shown = "".join(f"{number:10.1f}" for number in numbers)
        print(f"{path.name:16}{start:8.1f}{shown}{n_right:6} of {len(found)}")


def main():
    """Read the command."""
    parser = argparse.ArgumentParser(description="Serve digits.")
    parser.add_argument("command", choices=["train", "serve", "measure"])
    parser.add_argument("--folder", type=Path, default=Path("build"))
    parser.add_argument(
        "--model", type=Path, help="the file to serve; build/digits.onnx if not given"
    )
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    if given.command == "serve":
        serve(given.model or given.folder / "digits.onnx", given.port)
    else:
        {"train": train, "measure": measure}[given.command](given.folder)


if __name__ == "__main__":
    main()
