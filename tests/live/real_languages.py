# SPDX-License-Identifier: MIT
"""Published language servers, asked through LSP as an editor does: see real_program."""
import json
import os
import subprocess

from harness import toolchain
from real_program import NotHere, Program, Wrong, expect, expect_in

FUNCTIONS = 60


class Lsp:
    """The one client of a language server, through its standard input and output."""

    def __init__(self, process, root):
        self.process, self.id, self.version = process, 0, 1
        uri = "file://" + root
        self.call("initialize", {"processId": None, "rootUri": uri, "capabilities": {},
                                 "workspaceFolders": [{"uri": uri, "name": "work"}]})
        self.note("initialized", {})

    def send(self, message):
        body = json.dumps(dict(message, jsonrpc="2.0")).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        size = 0
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Wrong("the language server ended")
            if not line.strip():
                return json.loads(self.process.stdout.read(size))
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])

    def call(self, method, params):
        """The result of a request; what the server asks meanwhile is answered."""
        self.id += 1
        wanted = self.id
        self.send({"id": wanted, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" in message:
                if "id" in message:
                    items = (message.get("params") or {}).get("items")
                    self.send({"id": message["id"],
                               "result": [{} for _ in items] if items is not None else None})
            elif message.get("id") == wanted:
                if "error" in message:
                    raise Wrong(f"{method}: {message['error']}")
                return message["result"]

    def note(self, method, params):
        self.send({"method": method, "params": params})

    def close(self):
        pass


class LanguageServer(Program):
    """One file of many functions that changes while it is asked about."""
    clients = 1
    language, file_name = "", ""

    def text(self, n):
        raise NotImplementedError

    def pipes(self):
        return {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}

    def prepare(self):
        self.uri = "file://" + self.file("project/" + self.file_name, self.text(0))
        self.lsp = None

    def client(self, number):
        if self.lsp is None:
            self.lsp = Lsp(self.process, self.work + "/project")
            self.lsp.note("textDocument/didOpen", {"textDocument": {
                "uri": self.uri, "languageId": self.language, "version": 1,
                "text": self.text(0)}})
        return self.lsp

    def change(self, lsp, n):
        lsp.version += 1
        lsp.note("textDocument/didChange", {
            "textDocument": {"uri": self.uri, "version": lsp.version},
            "contentChanges": [{"text": self.text(n)}]})

    def request(self, client, number, n):
        """What function k is called and returns, in the version of the file of just now."""
        if n % 10 == 0:
            self.change(client, n)
        k = n % FUNCTIONS
        line, column, wanted = self.use(k, n - n % 10)
        at = {"textDocument": {"uri": self.uri},
              "position": {"line": line, "character": column}}
        hover = client.call("textDocument/hover", at)
        expect_in(wanted, str(hover and hover["contents"]), "hover")
        if n % 10 == 5:
            found = client.call("textDocument/definition", at)
            expect(len(found), 1, "definition")
            expect(found[0].get("range", found[0].get("targetSelectionRange"))["start"]["line"],
                   self.defined(k), "definition")

    def use(self, k, n):
        """(line, column, words of the hover) of a use of function k in version n."""
        raise NotImplementedError

    def defined(self, k):
        raise NotImplementedError


class Tsgo(LanguageServer):
    """The TypeScript compiler in Go."""
    source = ("npm", "@typescript/native-preview-linux-x64", "7.0.0-dev.20260707.2")
    path, language, file_name = "package/lib/tsgo", "typescript", "app.ts"
    # Its maps come and go by the thousand, at addresses that others had before.
    type_endings = (("collections.(*Set[...])", "]struct {}"),)

    def prepare(self):
        super().prepare()
        self.file("project/tsconfig.json", '{"compilerOptions": {"strict": true}}')

    def command(self):
        return [self.exe, "--lsp", "--stdio"]

    def text(self, n):
        kind = f"{{ size{n}: T; names: Map<string, T[]> }}"
        return "".join(f"export function make{k}<T>(value: T): {kind} "
                       f"{{ return {{ size{n}: value, names: new Map() }} }}\n"
                       for k in range(FUNCTIONS)) + \
            "".join(f"const used{k} = make{k}({k})\n" for k in range(FUNCTIONS))

    def use(self, k, n):
        return FUNCTIONS + k, 7, f"size{n}: number"

    def defined(self, k):
        return FUNCTIONS + k


class Gopls(LanguageServer):
    """Go's own language server."""
    source, path = ("debian", "trixie", "gopls"), "usr/bin/gopls"
    language, file_name = "go", "main.go"

    def __init__(self):
        self.go = toolchain("1.24")
        if not os.path.isabs(self.go):
            raise NotHere("gopls needs a go command: " + self.go)
        super().__init__()

    def prepare(self):
        super().prepare()
        self.file("project/go.mod", "module example\n\ngo 1.19\n")

    def environment(self):
        env = super().environment()
        return dict(env, PATH=os.path.dirname(self.go) + ":" + env["PATH"], GOPROXY="off",
                    GOFLAGS="-mod=mod", GOTOOLCHAIN="local", GOPATH=self.work + "/gopath",
                    GOCACHE=self.work + "/gocache", CGO_ENABLED="0")

    def command(self):
        return [self.exe, "serve"]

    def text(self, n):
        return "package main\n\n" + "".join(
            f"func make{k}(a int) (size{n} map[string][]int) {{ return nil }}\n"
            for k in range(FUNCTIONS)) + "\nfunc main() {\n" + \
            "".join(f"\t_ = make{k}({k})\n" for k in range(FUNCTIONS)) + "}\n"

    def use(self, k, n):
        return FUNCTIONS + 4 + k, 6, f"func make{k}(a int) (size{n} map[string][]int)"

    def defined(self, k):
        return 2 + k


class GoplsNew(Gopls):
    source = ("debian", "sid", "gopls")
