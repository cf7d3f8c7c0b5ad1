"""The engine of ClickHouse behind its HTTP interface: serve.py PORT DIRECTORY.

The package chdb is the engine without a server. This adds as much of the interface as an
insert needs: the query and settings in the address, the rest of the query in the body.
"""

import gzip
import http.server
import sys
import threading
import urllib.parse

import chdb.session

session = chdb.session.Session(sys.argv[2])
turn = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        settings = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        query = settings.pop("query", "")
        settings.pop("wait_end_of_query", None)
        if query and settings:
            set_ = ", ".join("%s = '%s'" % kv for kv in settings.items())
            query = query.replace(" FORMAT ", " SETTINGS %s FORMAT " % set_)
        query = "\n".join(filter(None, [query, body.decode()]))
        try:
            with turn:
                status, said = 200, session.query(query, "TabSeparated").bytes()
        except Exception as error:
            status, said = 400, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
