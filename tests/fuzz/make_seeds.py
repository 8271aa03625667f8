#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Small ELF files for the fuzzers to begin with, made from real Go programs.

    tests/fuzz/make_seeds.py FOLDER [PROGRAM...]

A PROGRAM is a statically linked Go executable for amd64 or arm64 with section headers; without
any, tests/go/mapuser is built by the releases that tests/go/fetch-toolchains has. From each a few
functions (code, records, value tables, inlined calls), a few type descriptors, the build
information and the module data are taken and linked anew into files of about 10 KB: static and
PIE, with and without section headers, and once more in the formats of Go 1.17 and 1.18.
"""
import os
import re
import struct
import subprocess
import sys

from elftools.elf.elffile import ELFFile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASE, NO_OFFSET = 0x400000, 0xFFFFFFFF

# magic: header parts, entry size, _func.pcfile, _func.funcID, record size, inlinedCall: size, name,
# parent. Written down from the runtime's sources, not taken from the reader under test.
FORMATS = {0xFFFFFFFA: (24, 8, 24, 40, 44, 20, 12, 16),
           0xFFFFFFF0: (32, 4, 20, 36, 40, 20, 12, 16),
           0xFFFFFFF1: (32, 4, 20, 40, 44, 16, 4, 8)}

# What a version's moduledata has where: text, types, etypes, gofunc (0: none).
MODULEDATA = {17: (176, 280, 288, 0), 18: (176, 280, 288, 304), 20: (176, 296, 304, 320),
              27: (176, 296, 312, 344)}

FUNCTIONS = ("runtime.mapaccess1_fast64", "runtime.mapaccess2_fast64", "runtime.mapdelete",
             "runtime.mapiternext", "internal/runtime/maps.(*Map).Clear", "runtime.mapclear",
             "runtime.throw", "runtime.fatal", "reflect.mapdelete", "main.(*ledger).credit",
             "sync.(*Mutex).Unlock", "sync.(*Mutex).unlockSlow", "internal/sync.(*Mutex).Unlock",
             "internal/sync.(*Mutex).unlockSlow")
CODE_MAX = 700


def moduledata_of(minor):
    return MODULEDATA[max(m for m in MODULEDATA if m <= minor)]


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


class Program:
    """What is asked of a real executable."""

    def __init__(self, path):
        with open(path, "rb") as file:
            elf = ELFFile(file)
            self.machine = elf.header.e_machine
            self.sections = {s.name: (s.header.sh_addr, s.data()) for s in elf.iter_sections()
                             if s.header.sh_addr and s.header.sh_type != "SHT_NOBITS"}
        self.tab, self.bytes = self.sections[".gopclntab"]
        magic, self.quantum = struct.unpack_from("<IxxB", self.bytes)
        (self.parts, self.entry_size, self.file_at, self.id_at, self.record_size, self.call_size,
         self.call_name, self.call_parent) = FORMATS[magic]
        self.count, = struct.unpack_from("<Q", self.bytes, 8)
        self.names, self.units, self.files, self.values, self.table = struct.unpack_from(
            "<5Q", self.bytes, self.parts)
        self.build_id = self.sections[".note.go.buildid"][1][16:]
        block = self.sections[".go.buildinfo"][1]
        length, at = read_varint(block, 32)
        self.version = block[at:at + length]
        self.minor = int(re.match(rb"go1\.(\d+)", self.version).group(1))
        self.module = self.find_module()
        offsets = moduledata_of(self.minor)
        self.text, self.types = (struct.unpack_from("<Q", self.module, o)[0] for o in offsets[:2])
        self.gofunc = struct.unpack_from("<Q", self.module, offsets[3])[0]

    def at(self, addr, length):
        for start, data in self.sections.values():
            if start <= addr < start + len(data):
                return data[addr - start:addr - start + length]
        raise KeyError(hex(addr))

    def find_module(self):
        wanted = struct.pack("<QQ", self.tab, self.tab + self.names)
        for name in (".go.module", ".noptrdata", ".data", ".data.rel.ro"):
            _, data = self.sections.get(name, (0, b""))
            if wanted in data:
                return data[data.index(wanted):][:400]
        raise KeyError("moduledata")

    def string(self, at):
        return self.bytes[at:self.bytes.index(0, at)]

    def function(self, index):
        entry, record, end = struct.unpack_from("<III", self.bytes, self.table + 8 * index)
        return self.text + entry, self.text + end, self.table + record

    def functions(self):
        """Those of FUNCTIONS and the two smallest with calls inlined into them."""
        named, inlined = [], []
        for index in range(self.count):
            entry, end, record = self.function(index)
            name = self.string(self.names + struct.unpack_from("<I", self.bytes, record + 4)[0])
            if name.decode() in FUNCTIONS and end - entry <= CODE_MAX:
                named.append(index)
            elif self.inline_tables(record) and 100 < end - entry:
                inlined.append((end - entry, index))
        return sorted(named + [index for _, index in sorted(inlined)[:2]])

    def inline_tables(self, record):
        """(offset of the value table, address of the tree), or None."""
        tables, = struct.unpack_from("<I", self.bytes, record + self.file_at + 8)
        data = self.bytes[record + self.id_at + 3]
        if tables < 3 or data < 4:
            return None
        at = record + self.record_size
        table, = struct.unpack_from("<I", self.bytes, at + 8)
        tree, = struct.unpack_from("<I", self.bytes, at + 4 * tables + 12)
        return (table, self.gofunc + tree) if table and tree != NO_OFFSET else None

    def pairs(self, table):
        """Steps of a value table: [value, pc step in quanta]."""
        at, value, out = self.values + table, -1, []
        while True:
            step, at = read_varint(self.bytes, at)
            if step == 0 and out:
                return out
            value += -(step >> 1) - 1 if step & 1 else step >> 1
            span, at = read_varint(self.bytes, at)
            out.append([value, span])

    def type_names(self, path):
        """Addresses of the descriptors that the program itself prints."""
        if self.machine != "EM_X86_64":
            return []
        lines = subprocess.run([path], stdout=subprocess.PIPE, check=True).stdout.splitlines()
        return [int(line.split()[0], 16) for line in lines]


class Part(bytearray):
    """Bytes that are added to; add() says where."""

    def add(self, data, align=1):
        self.extend(bytes(-len(self) % align))
        at = len(self)
        self.extend(data)
        return at


def encode_pairs(pairs):
    out, last = b"", -1
    for value, span in pairs:
        step = value - last
        out += varint(step << 1 if step >= 0 else (-step << 1) - 1) + varint(span)
        last = value
    return out + b"\0"


class Seed:
    """A small executable of the same functions and types."""

    TEXT, RODATA, TAB, DATA = 0x400, 0x2000, 0x3000, 0x6000

    def __init__(self, source, magic, version, minor, pie):
        self.source, self.magic, self.minor, self.pie = source, magic, minor, pie
        (self.parts, self.entry_size, self.file_at, self.id_at, self.record_size, self.call_size,
         self.call_name, self.call_parent) = FORMATS[magic]
        self.base = 0 if pie else BASE
        self.version = version
        self.names, self.units, self.files = Part(b"\0"), Part(), Part()
        self.values, self.text, self.rodata = Part(b"\0"), Part(), Part(bytes(64))
        self.data, self.functions, self.pointers = Part(), [], []
        self.moved = {}     # entry in the program: (offset in text, size)

    def addr(self, offset):
        return self.base + offset

    def name(self, old):
        return self.names.add(self.source.string(self.source.names + old) + b"\0")

    def value_table(self, table, changed=None):
        if table == 0:
            return 0
        pairs = self.source.pairs(table)
        return self.values.add(encode_pairs([[changed(v) if changed and v >= 0 else v, span]
                                             for v, span in pairs]))

    def file_numbers(self, unit, table):
        """Number the files that the table speaks of anew; (first index, numbers)."""
        old = sorted({value for value, _ in self.source.pairs(table) if value >= 0})
        first = len(self.units) // 4
        for value in old:
            at, = struct.unpack_from("<I", self.source.bytes,
                                     self.source.units + 4 * (unit + value))
            text = self.source.string(self.source.files + at)
            self.units.add(struct.pack("<I", self.files.add(text + b"\0")))
        return first, {value: number for number, value in enumerate(old)}

    def tree(self, addr, count):
        """Inlined calls, as this format has them."""
        out = b""
        for index in range(count):
            old = self.source.at(addr + index * self.source.call_size, self.source.call_size)
            name, = struct.unpack_from("<I", old, self.source.call_name)
            parent, = struct.unpack_from("<I", old, self.source.call_parent)
            row = bytearray(self.call_size)
            struct.pack_into("<I", row, self.call_name, self.name(name))
            struct.pack_into("<I", row, self.call_parent, parent)
            out += row
        return self.rodata.add(out, 8)

    def add_function(self, index):
        source = self.source
        entry, end, record = source.function(index)
        old_name, = struct.unpack_from("<I", source.bytes, record + 4)
        sp_values, files, lines, tables, unit = struct.unpack_from(
            "<5I", source.bytes, record + source.file_at - 4)
        inline = source.inline_tables(record)
        first, numbers = self.file_numbers(unit, files)
        tree = values = None
        if inline:
            count = 1 + max(value for value, _ in source.pairs(inline[0]))
            values, tree = self.value_table(inline[0]), self.tree(inline[1], count)
        head = struct.pack("<IiIIIIII", self.name(old_name), 0, 0, self.value_table(sp_values),
                           self.value_table(files, numbers.get), self.value_table(lines),
                           3 if inline else 0, first)
        code = self.text.add(source.at(entry, end - entry), 16)
        self.moved[entry] = (code, end - entry)
        self.functions.append((code, head, source.bytes[record + source.id_at], values, tree))

    def link_calls(self):
        """Calls among the functions that were taken lead where they led."""
        if self.source.machine != "EM_X86_64":
            return
        for entry, (code, size) in self.moved.items():
            for at in range(size - 4):
                distance, = struct.unpack_from("<i", self.text, code + at + 1)
                target = self.moved.get(entry + at + 5 + distance)
                if self.text[code + at] == 0xE8 and target:
                    struct.pack_into("<i", self.text, code + at + 1, target[0] - (code + at + 5))

    def record(self, code, head, kind, values, tree, where):
        """A _func at offset `where` of the file."""
        if self.entry_size == 8:
            out = struct.pack("<Q", self.addr(self.TEXT + code)) + head
            self.pointers.append(where)
        else:
            out = struct.pack("<I", code) + head
        out += bytes(self.id_at - len(out)) + bytes([kind, 0, 0, 4 if tree is not None else 0])
        if tree is None:
            return out
        out += struct.pack("<III", 0, 0, values)
        if self.entry_size == 8:
            out += bytes(-(where + len(out)) % 8) + bytes(24)
            self.pointers.append(where + len(out))
            return out + struct.pack("<Q", self.addr(self.RODATA + tree))
        return out + struct.pack("<IIII", NO_OFFSET, NO_OFFSET, NO_OFFSET, tree)

    def pclntab(self):
        header = Part(bytes(self.parts + 40))
        places = [header.add(part, 8) for part in (self.names, self.units, self.files, self.values)]
        table = Part(bytes((2 * len(self.functions) + 1) * self.entry_size))
        self.table = header.add(b"", 8)
        form = "<Q" if self.entry_size == 8 else "<I"
        for number, function in enumerate(self.functions):
            here = table.add(b"", 8)
            table.add(self.record(*function, self.TAB + self.table + here))
            self.put_entry(table, form, 2 * number, function[0])
            struct.pack_into(form, table, (2 * number + 1) * self.entry_size, here)
        self.put_entry(table, form, 2 * len(self.functions), len(self.text))
        struct.pack_into("<IBBBBQ", header, 0, self.magic, 0, 0, self.source.quantum, 8,
                         len(self.functions))
        if self.parts == 32:
            struct.pack_into("<Q", header, 24, self.addr(self.TEXT) if self.minor < 26 else 0)
        struct.pack_into("<5Q", header, self.parts, *places, self.table)
        return header + table

    def put_entry(self, table, form, word, code):
        at = word * self.entry_size
        if self.entry_size == 8:
            self.pointers.append(self.TAB + self.table + at)
            code = self.addr(self.TEXT + code)
        struct.pack_into(form, table, at, code)

    def add_type(self, addr):
        descriptor = bytearray(self.source.at(addr, 104))
        old, = struct.unpack_from("<i", descriptor, 40)
        name = self.source.at(self.source.types + old, 260)
        length, at = read_varint(name, 1)
        struct.pack_into("<I", descriptor, 40, self.rodata.add(name[:at + length]))
        return self.rodata.add(descriptor, 8)

    def buildinfo(self):
        magic = b"\xff Go buildinf:\x08"
        if self.minor >= 18:
            self.data.add(magic + b"\x02" + bytes(16) + varint(len(self.version)) + self.version +
                          b"\0", 16)
            return
        text = self.RODATA + self.rodata.add(self.version)
        block = self.data.add(magic + b"\0" + bytes(16), 16)
        string = self.data.add(struct.pack("<QQ", self.addr(text), len(self.version)), 8)
        struct.pack_into("<Q", self.data, block + 16, self.addr(self.DATA + string))
        self.pointers += [self.DATA + block + 16, self.DATA + string]

    def moduledata(self):
        module = bytearray(400)
        values = {0: self.TAB, 8: self.TAB + struct.unpack_from("<Q", self.tab, self.parts)[0],
                  104: self.TAB + self.table, 160: self.TEXT, 168: self.TEXT + len(self.text),
                  184: self.TEXT + len(self.text)}
        text, types, types_end, gofunc = moduledata_of(self.minor)
        values.update({text: self.TEXT, types: self.RODATA,
                       types_end: self.RODATA + len(self.rodata)})
        if gofunc:
            values[gofunc] = self.RODATA
        where = self.DATA + self.data.add(bytes(400), 8)
        for offset, value in values.items():
            struct.pack_into("<Q", module, offset, self.addr(value))
            self.pointers.append(where + offset)
        self.data[where - self.DATA:] = module
        return where

    def image(self, sections):
        """The whole file."""
        for index in self.source.functions():
            self.add_function(index)
        self.link_calls()
        for addr in self.source.chosen_types:
            self.add_type(addr)
        self.tab = self.pclntab()
        self.buildinfo()
        module = self.moduledata()
        parts = [(self.TEXT, self.text, 5), (self.RODATA, self.rodata, 4), (self.TAB, self.tab, 4),
                 (self.DATA, self.data, 6)]
        # Move the parts together: offsets in the file are smaller than addresses.
        note = (struct.pack("<III4s", 4, 20, 3, b"GNU\0") + bytes(range(20)) if sections else
                struct.pack("<III4s", 4, 83, 4, b"Go\0\0") + self.source.build_id)
        relocations, dynamic = b"", b""
        if self.pie:
            parts = [(start, bytearray(part), flags) for start, part, flags in parts]
            for at in sorted(self.pointers):
                start, part, _ = max(p for p in parts if p[0] <= at)
                value, = struct.unpack_from("<Q", part, at - start)
                struct.pack_into("<Q", part, at - start, 0)
                relocations += struct.pack("<QQQ", at, 8 if self.source.machine == "EM_X86_64"
                                           else 1027, value)
            extra = 0x7000
            dynamic = struct.pack("<6Q", 7, extra + 48, 8, len(relocations), 0, 0)
            parts.append((extra, dynamic + relocations, 6))
        return self.elf(parts, note, module, len(dynamic), sections)

    def elf(self, parts, note, module, dynamic, sections):
        headers = len(parts) + 1 + bool(dynamic)
        out = Part(bytes(64 + 56 * headers))
        # One byte changed, and the note is a longer one: the segment has room.
        rows = [(4, 4, out.add(note, 4), self.base, 512)]
        place = {}
        for start, part, flags in parts:
            place[start] = out.add(part, 16)
            rows.append((1, flags, place[start], self.addr(start), len(part)))
        if dynamic:
            rows.append((2, 6, place[0x7000], self.addr(0x7000), dynamic))
        for number, (kind, flags, offset, addr, size) in enumerate(rows):
            struct.pack_into("<IIQQQQQQ", out, 64 + 56 * number, kind, flags, offset, addr, addr,
                             size, size, 16)
        table = 0
        if sections:
            named = [(".text", self.TEXT, len(self.text)), (".gopclntab", self.TAB, len(self.tab)),
                     (".go.buildinfo", self.DATA, 32), (".go.module", module, 400)]
            table = self.section_headers(out, named)
        struct.pack_into("<16sHHIQQQIHHHHHH", out, 0, b"\x7fELF\x02\x01\x01", 3 if self.pie else 2,
                         62 if self.source.machine == "EM_X86_64" else 183, 1,
                         self.addr(self.TEXT), 64, table, 0, 64, 56, headers, 64,
                         6 if sections else 0, 5 if sections else 0)
        return bytes(out)

    def section_headers(self, out, named):
        names, rows = Part(b"\0"), [bytes(64)]
        for name, start, size in named:
            rows.append(struct.pack("<IIQQQQIIQQ", names.add(name.encode() + b"\0"), 1, 2,
                                    self.addr(start), 0, size, 0, 0, 16, 0))
        own = names.add(b".shstrtab\0")
        where = out.add(names)
        rows.append(struct.pack("<IIQQQQIIQQ", own, 3, 0, 0, where, len(names), 0, 0, 1, 0))
        return out.add(b"".join(rows), 8)


def seeds(source):
    """(name, bytes) of every variant that is made of a program."""
    machine = "amd64" if source.machine == "EM_X86_64" else "arm64"
    magic = struct.unpack_from("<I", source.bytes)[0]
    forms = [(magic, source.version, source.minor)]
    if source.minor == 19:
        forms += [(0xFFFFFFFA, b"go1.17.13", 17), (magic, b"go1.18.10", 18)]
    for form, version, minor in forms:
        for pie in (False, True):
            for sections in (False, True):
                seed = Seed(source, form, version, minor, pie)
                yield (f"go1.{minor}-{machine}{'-pie' if pie else ''}"
                       f"{'' if sections else '-bare'}", seed.image(sections))


def built():
    """mapuser by every release at hand, and one for arm64."""
    lines = subprocess.run([os.path.join(ROOT, "tests/go/fetch-toolchains")],
                           stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    listed = subprocess.run([os.path.join(ROOT, "tests/go/fetch-toolchains"), "--list"],
                            stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    for line in sorted(set(lines + listed)):
        release, go = line.split(None, 1)
        for arch in ("amd64", "arm64") if release == "1.24" else ("amd64",):
            path = os.path.join(ROOT, "build/fixtures", f"mapuser-{release}-" +
                                ("exe" if arch == "amd64" else arch))
            if not os.path.exists(path):
                env = dict(os.environ, CGO_ENABLED="0", GOARCH=arch, GOTOOLCHAIN="local",
                           GOFLAGS="")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                subprocess.run([go, "build", "-trimpath", "-o", path, "./mapuser"], env=env,
                               check=True, cwd=os.path.join(ROOT, "tests/go"))
            yield path


def main():
    folder, paths = sys.argv[1], sys.argv[2:] or built()
    os.makedirs(folder, exist_ok=True)
    for path in paths:
        source = Program(path)
        source.chosen_types = source.type_names(path)
        for name, image in seeds(source):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(image)


if __name__ == "__main__":
    main()
