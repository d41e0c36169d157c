"""The server, which runs beside the model, and the gateway, which asks it."""

import json
import os
import threading
from concurrent import futures

import grpc
import polars

SERVICE, METHOD = "stand_in.Inference", "Predict"
REPLY_S = float(os.environ.get("STAND_IN_REPLY_S", "60"))
PORT = os.environ.get("STAND_IN_PORT", "0")


def handler(predict):
    def called(request: bytes, context: grpc.ServicerContext) -> bytes:
        row = json.loads(request)
        try:
            found = predict(
                polars.Series("id", [row["id"]]), polars.Series("problem", [row["problem"]])
            )
            assert isinstance(found, polars.DataFrame) and found.columns == ["id", "answer"]
            return json.dumps(found.to_dicts()).encode()
        except BaseException as error:
            context.abort(grpc.StatusCode.INTERNAL, f"predict raised {error!r}")
            raise

    return grpc.method_handlers_generic_handler(
        SERVICE, {METHOD: grpc.unary_unary_rpc_method_handler(called)}
    )


class InferenceServer:
    def __init__(self, predict):
        self.ended = threading.Event()
        # As in the real one, each call is in a thread of the server.
        self.server = grpc.server(futures.ThreadPoolExecutor(1))
        self.server.add_generic_rpc_handlers([handler(predict)])

    def start(self) -> int:
        port = self.server.add_insecure_port(f"127.0.0.1:{PORT}")
        self.server.start()
        return port

    def serve(self) -> None:
        self.start()
        self.server.wait_for_termination()

    def run_local_gateway(self, data_paths) -> None:
        port = self.start()
        try:
            ask_all(port, data_paths[0]).write_parquet("submission.parquet")
        finally:
            self.server.stop(0)


def ask_all(port: int, path: str) -> polars.DataFrame:
    """What the gateway does: every problem, one at a time, each within its time."""
    rows = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=REPLY_S)
        ask = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        for row in polars.read_csv(path, infer_schema=False).fill_null("").to_dicts():
            rows += json.loads(ask(json.dumps(row).encode(), timeout=REPLY_S))
    return polars.DataFrame(rows)
