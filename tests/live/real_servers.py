# SPDX-License-Identifier: MIT
"""Published servers and the load that each is under: see real_program."""
import base64
import http.client
import json
import os
import socket
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from real_program import Http, Program, Wrong, expect, expect_in


def wait_for_answer(client, path, wanted, seconds=10):
    """Ask until what was changed is in the answer."""
    deadline = time.monotonic() + seconds
    while wanted not in client.get(path):
        if time.monotonic() > deadline:
            raise Wrong(f"{path}: no {wanted!r} in {seconds} seconds")
        time.sleep(0.02)


class Prometheus(Program):
    """Scrapes itself every second; queries with known answers."""
    source, path = ("debian", "bookworm", "prometheus"), "usr/bin/prometheus"

    def prepare(self):
        self.config = self.file("prometheus.yml", f"""
global: {{ scrape_interval: 1s }}
scrape_configs:
  - job_name: itself
    static_configs: [ {{ targets: ['127.0.0.1:{self.port}'] }} ]
""")

    def command(self):
        return [self.exe, "--config.file=" + self.config, f"--storage.tsdb.path={self.work}/data",
                f"--web.listen-address=127.0.0.1:{self.port}"]

    def request(self, client, number, n):
        if n % 5 == 0:
            data = client.get_json("/api/v1/query?query=sum(up)")["data"]
            expect([row["value"][1] for row in data["result"]], ["1"], "sum(up)")
        elif n % 5 == 1:
            data = client.get_json(f"/api/v1/query?query=vector({n})*2")["data"]
            expect(data["result"][0]["value"][1], str(2 * n), "vector")
        elif n % 5 == 2:
            data = client.get_json("/api/v1/query_range?query=time()&start=1000&end=1100&step=10")
            expect(data["data"]["result"][0]["values"],
                   [[t, str(t)] for t in range(1000, 1101, 10)], "time()")
        elif n % 5 == 3:
            expect_in("prometheus_tsdb_head_series ", client.get("/metrics"), "/metrics")
        else:
            data = client.get_json("/api/v1/label/job/values")["data"]
            expect(data, ["itself"], "label values")


class PrometheusNew(Prometheus):
    source = ("debian", "sid", "prometheus")


class NodeExporter(Program):
    """Every scrape reads the whole system, a goroutine a collector."""
    source = ("debian", "trixie", "prometheus-node-exporter")
    path = "usr/bin/prometheus-node-exporter"

    def command(self):
        return [self.exe, f"--web.listen-address=127.0.0.1:{self.port}"]

    def request(self, client, number, n):
        text = client.get("/metrics")
        expect_in("node_uname_info{", text, "/metrics")
        expect_in('node_cpu_seconds_total{cpu="0",mode="idle"}', text, "/metrics")
        expect_in('node_scrape_collector_success{collector="meminfo"} 1', text, "/metrics")


def b64(text):
    return base64.b64encode(text.encode()).decode()


class EtcdClient(Http):
    """Key-value requests, and a watch whose events must come in order."""

    def __init__(self, port, number):
        super().__init__(port)
        self.watched = f"watched/{number}"
        self.watching = Http(port)
        self.watching.connection.request("POST", "/v3/watch", json.dumps(
            {"create_request": {"key": b64(self.watched)}}))
        self.answer = self.watching.connection.getresponse()
        expect_in("created", self.answer.readline().decode(), "watch")

    def next_event(self):
        event = json.loads(self.answer.readline())["result"]["events"][0]["kv"]
        return base64.b64decode(event["value"]).decode()

    def close(self):
        super().close()
        self.watching.close()


class Etcd(Program):
    """Puts, reads, transactions, leases, deletes and watches through the JSON gateway."""
    source, path = ("debian", "trixie", "etcd-server"), "usr/bin/etcd"

    def command(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.port, self.port2))
        return [self.exe, "--data-dir", self.work + "/data", "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
                "--unsafe-no-fsync", "--log-level", "error"]

    def client(self, number):
        return EtcdClient(self.port, number)

    def request(self, client, number, n):
        key, value = b64(f"{number}/{n % 50}"), b64(f"value {n}")
        if n % 5 == 4:
            client.post_json("/v3/kv/put", {"key": b64(client.watched), "value": b64(str(n))})
            expect(client.next_event(), str(n), "watch")
            return
        if n % 10 == 1:
            lease = client.post_json("/v3/lease/grant", {"TTL": 600})["ID"]
            client.post_json("/v3/kv/put", {"key": key, "value": value, "lease": lease})
        else:
            client.post_json("/v3/kv/put", {"key": key, "value": value})
        row = client.post_json("/v3/kv/range", {"key": key})["kvs"][0]
        expect(row["value"], value, "what was put")
        if n % 5 == 2:
            done = client.post_json("/v3/kv/txn", {
                "compare": [{"key": key, "target": "VALUE", "value": value}],
                "success": [{"requestDeleteRange": {"key": key}}]})
            expect(done.get("succeeded"), True, "transaction")
            expect(client.post_json("/v3/kv/range", {"key": key}).get("kvs"), None, "deleted")


class PatientHttp(Http):
    """Asks again where the server closed an idle connection, as it may at any time."""

    def get(self, path):
        for _ in range(5):
            try:
                return super().get(path)
            except (ConnectionError, http.client.HTTPException):
                self.close()
                time.sleep(0.05)
        return super().get(path)


class Caddy(Program):
    """Files, templates, a reverse proxy to itself, and changes of its configuration."""
    source, path = ("debian", "trixie-backports", "caddy"), "usr/bin/caddy"

    def prepare(self):
        for n in range(20):
            self.file(f"site/{n}.txt", f"file {n}\n" * 50)
        self.file("site/sum.html", "{{ add 40 (len (splitList \",\" \"a,b\")) }}")
        self.config = self.file("Caddyfile", f"""
{{
	admin 127.0.0.1:{self.port2}
	auto_https off
	persist_config off
}}
http://127.0.0.1:{self.port} {{
	root * {self.work}/site
	handle_path /proxy/* {{
		reverse_proxy 127.0.0.1:{self.port}
	}}
	templates
	file_server
}}
""")

    def command(self):
        return [self.exe, "run", "--config", self.config, "--adapter", "caddyfile"]

    def environment(self):
        return dict(super().environment(), XDG_DATA_HOME=self.work, XDG_CONFIG_HOME=self.work)

    def client(self, number):
        return PatientHttp(self.port)

    def request(self, client, number, n):
        name = f"{n % 20}.txt"
        wanted = f"file {n % 20}\n" * 50
        expect(client.get("/" + name), wanted, name)
        expect(client.get("/proxy/" + name), wanted, "through the proxy")
        expect(client.get("/sum.html"), "42", "template")
        if number == 0 and n % 100 == 50:
            admin = Http(self.port2)
            config = admin.get_json("/config/")
            admin.ask("POST", "/load", config, headers={"Content-Type": "application/json",
                                                        "Cache-Control": "must-revalidate"})
            expect(admin.get_json("/config/"), config, "configuration")
            admin.close()


class Rclone(Program):
    """A WebDAV server: files are put, listed, read and deleted."""
    source, path = ("debian", "trixie", "rclone"), "usr/bin/rclone"

    def prepare(self):
        os.makedirs(self.work + "/files")
        self.file("rclone.conf", "")

    def command(self):
        return [self.exe, "--config", self.work + "/rclone.conf", "serve", "webdav",
                self.work + "/files", "--addr", f"127.0.0.1:{self.port}"]

    def client(self, number):
        client = Http(self.port)
        client.ask("MKCOL", f"/{number}", status=201)
        return client

    def request(self, client, number, n):
        name = f"/{number}/{n % 30}.txt"
        client.ask("PUT", name, f"text {n}", status=201)
        expect(client.get(name), f"text {n}", name)
        listing = client.ask("PROPFIND", f"/{number}/", status=207, headers={"Depth": "1"})
        expect_in(name, listing, "listing")
        if n % 3 == 0:
            client.ask("DELETE", name, status=204)
            client.ask("GET", name, status=404)


class Hugo(Program):
    """Serves a site of two hundred pages and builds it anew whenever one of them changes."""
    source, path = ("debian", "trixie", "hugo"), "usr/bin/hugo"
    libraries = (("debian", "bookworm", "libsass1"),)   # the one for the oldest C library
    PAGES = 200

    def page(self, n, text):
        self.file(f"site/content/posts/p{n}.md",
                  f"---\ntitle: Page {n}\ntags: [t{n % 7}, u{n % 3}]\n---\n{text}\n")

    def prepare(self):
        self.file("site/hugo.toml", 'baseURL = "http://127.0.0.1/"\ntitle = "site"\n')
        self.file("site/layouts/_default/single.html",
                  "<h1>{{ .Title }}</h1>{{ .Content }}{{ range .Params.tags }}[{{ . }}]{{ end }}")
        self.file("site/layouts/_default/list.html",
                  "{{ range .Pages }}<a>{{ .Title }}</a>{{ end }}")
        for n in range(self.PAGES):
            self.page(n, f"text {n}")

    def command(self):
        return [self.exe, "server", "--bind", "127.0.0.1", "--port", str(self.port), "--source",
                self.work + "/site", "--disableLiveReload", "--watch"]

    def request(self, client, number, n):
        if number == 0 and n % 200 == 100:
            self.page(0, f"changed {n}")
            wait_for_answer(client, "/posts/p0/", f"changed {n}")
            return
        page = 1 + n % (self.PAGES - 1)
        expect_in(f"<h1>Page {page}</h1><p>text {page}</p>\n[t{page % 7}][u{page % 3}]",
                  client.get(f"/posts/p{page}/"), "page")
        expect(client.get("/tags/t3/").count("<a>"), len(range(3, self.PAGES, 7)), "tag")


class Syncthing(Program):
    """One device, a folder that is changed and scanned, the REST interface."""
    source, path = ("debian", "sid", "syncthing"), "usr/bin/syncthing"
    QUIET = {"globalAnnounceEnabled": "false", "localAnnounceEnabled": "false",
             "relaysEnabled": "false", "natEnabled": "false", "crashReportingEnabled": "false",
             "urAccepted": "-1", "startBrowser": "false"}

    def prepare(self):
        home = self.work + "/home"
        subprocess.run([self.exe, "generate", "--home", home], check=True, cwd=self.work,
                       env=self.environment(), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        tree = ElementTree.parse(home + "/config.xml")
        root = tree.getroot()
        options = root.find("options")
        for name, value in self.QUIET.items():
            for element in options.findall(name) or [ElementTree.SubElement(options, name)]:
                element.text = value
        options.find("listenAddress").text = f"tcp://127.0.0.1:{self.port2}"
        for folder in root.findall("folder"):
            root.remove(folder)
        device = root.find("device").get("id")
        self.folder = self.work + "/shared"
        os.makedirs(self.folder + "/.stfolder")
        folder = ElementTree.SubElement(root, "folder", id="one", label="one", path=self.folder,
                                        type="sendreceive", fsWatcherEnabled="false")
        ElementTree.SubElement(folder, "device", id=device)
        tree.write(home + "/config.xml")
        self.device = device

    def command(self):
        return [self.exe, "serve", "--home", self.work + "/home", "--no-browser", "--no-restart",
                "--no-upgrade", f"--gui-address=127.0.0.1:{self.port}", "--gui-apikey=key"]

    def environment(self):
        # Without the parent that would start it again.
        return dict(super().environment(), STMONITORED="yes", STNOUPGRADE="1")

    def client(self, number):
        return Http(self.port, {"X-API-Key": "key"})

    def request(self, client, number, n):
        expect(client.get_json("/rest/system/ping"), {"ping": "pong"}, "ping")
        expect(client.get_json("/rest/system/status")["myID"], self.device, "status")
        expect([f["id"] for f in client.get_json("/rest/config/folders")], ["one"], "folders")
        expect_in("state", client.get_json("/rest/db/status?folder=one"), "folder status")
        if n % 50 == 25:
            name = f"{number}-{n % 500}.txt"
            self.file("shared/" + name, f"text {n}\n" * (n % 1000))
            client.ask("POST", f"/rest/db/scan?folder=one&sub={name}")
            seen = client.get_json(f"/rest/db/file?folder=one&file={name}")
            expect(seen["local"]["size"], len(f"text {n}\n") * (n % 1000), "scanned file")


class NatsClient:
    """One connection that speaks the protocol of NATS: what it publishes it must get."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.lines = self.socket.makefile("rb")
        expect_in(b"INFO ", self.lines.readline(), "greeting")
        self.send('CONNECT {"verbose":false,"name":"load"}')

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def message(self):
        head = self.lines.readline().split()
        while head[:1] == [b"PING"]:
            self.send("PONG")
            head = self.lines.readline().split()
        expect_in(b"MSG", head, "message")
        body = self.lines.read(int(head[-1]) + 2)[:-2]
        return head[1].decode(), body.decode()

    def close(self):
        self.lines.close()
        self.socket.close()


class Nats(Program):
    """Subscriptions that come and go, messages to oneself and through a wildcard; monitoring."""
    source, path = ("debian", "sid", "nats-server"), "usr/sbin/nats-server"

    def command(self):
        return [self.exe, "-a", "127.0.0.1", "-p", str(self.port), "-m", str(self.port2), "-js",
                "-sd", self.work + "/store"]

    def client(self, number):
        return NatsClient(self.port)

    def request(self, client, number, n):
        if n % 100 == 50:
            monitor = Http(self.port2)
            expect(monitor.get_json("/varz")["port"], self.port, "/varz")
            names = {c["name"] for c in monitor.get_json("/connz")["connections"]}
            expect(names, {"load"}, "/connz")
            monitor.close()
        subject, text = f"client{number}.topic{n % 40}", f"text {n}"
        client.send(f"SUB {subject} {n + 1}\r\nSUB client{number}.> wild\r\n"
                    f"PUB {subject} {len(text)}\r\n{text}\r\nUNSUB {n + 1}\r\nUNSUB wild")
        for _ in range(2):
            expect(client.message(), (subject, text), "message")


class Esbuild(Program):
    """Bundles two hundred modules anew for each request; a module changes now and then."""
    source, path = ("npm", "@esbuild/linux-x64", "0.21.5"), "package/bin/esbuild"
    MODULES = 200

    def module(self, n, value):
        self.file(f"src/m{n}.ts", f"interface Shape{n} {{ size: number }}\nexport function f{n}"
                  f"(s: Shape{n} = {{ size: 1 }}): string {{ return 'value {value}' + s.size }}\n")

    def prepare(self):
        for n in range(self.MODULES):
            self.module(n, n)
        names = range(self.MODULES)
        self.file("src/app.ts", "".join(f"import {{ f{n} }} from './m{n}'\n" for n in names) +
                  f"console.log({', '.join(f'f{n}()' for n in names)})\n")

    def command(self):
        return [self.exe, "src/app.ts", "--bundle", "--outdir=www", "--servedir=www",
                f"--serve=127.0.0.1:{self.port}"]

    def pipes(self):
        # It ends with its standard input.
        return dict(super().pipes(), stdin=subprocess.PIPE)

    def request(self, client, number, n):
        if number == 0 and n % 20 == 10:
            self.module(0, f"changed {n}")
            wait_for_answer(client, "/app.js", f"value changed {n}")
            return
        text = client.get("/app.js")
        for module in (1, 1 + n % (self.MODULES - 1), self.MODULES - 1):
            expect_in(f'return "value {module}"', text, "bundle")
        expect_in("console.log(f0(), f1(),", text, "bundle")


class EsbuildNew(Esbuild):
    """Published without Go's build information."""
    source = ("npm", "@esbuild/linux-x64", "0.28.2")
