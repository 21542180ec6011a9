"""The yardstick of the seed test: `decode.py HOST PORT BODY` asks for a prediction, and prints the hash of its output.

As little as it can be: a socket, the standard library's base64 in blocks, sha256. It reads only what it expects,
checks nothing, and imports nothing of ours.
"""

from __future__ import annotations

import binascii
import hashlib
import socket
import sys

BLOCK = 1 << 18


def main() -> None:
    """One prediction."""
    host, port, body = sys.argv[1:]
    digest, rest, inside = hashlib.sha256(), b"", False
    with socket.create_connection((host, int(port))) as server:
        head = f"POST /predictions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: "
        server.sendall(f"{head}{len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        while data := server.recv(BLOCK):
            rest += data
            if not inside:
                at = rest.find(b";base64,")
                if at < 0:
                    continue
                rest, inside = rest[at + 8 :], True
            if (end := rest.find(b'"')) >= 0:
                digest.update(binascii.a2b_base64(rest[:end]))
                break
            whole = len(rest) - len(rest) % 4
            digest.update(binascii.a2b_base64(rest[:whole]))
            rest = rest[whole:]
    print(digest.hexdigest(), flush=True)


if __name__ == "__main__":
    main()
