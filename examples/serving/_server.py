"""The server of all ways: rows come as JSON over HTTP, and labels and probabilities go back.

``POST {"rows": [[12, 80, 33, 41]]}`` is answered by ``{"classes": …, "labels": …,
"probabilities": …}``, and rows that can't be used by status 400 and ``{"error": …}``. Only the
standard library is needed here.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST_BYTES = 10_000_000


def answer_to(body, predict):
    """Status and answer to the body of a request."""
    try:
        rows = json.loads(body)["rows"]
        classes, probabilities = predict(rows)
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}
    labels = [classes[row.index(max(row))] for row in probabilities]
    return 200, {"classes": classes, "labels": labels, "probabilities": probabilities}


def serve(predict, port):
    """Answer requests until the process is ended.

    Parameters
    ----------
    predict : callable
        Takes rows as lists; returns the list of classes and, for each row, a list with the
        probability of each class. A ValueError tells that the rows can't be used.
    port : int
        0 takes a free one; the first line of output names it.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else head and body of an answer may be 40 ms apart

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            if length > MOST_BYTES:
                self.close_connection = True
                status, answer = 413, {"error": f"More than {MOST_BYTES:,} bytes."}
            else:
                status, answer = answer_to(self.rfile.read(length), predict)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Say nothing for each request."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
