# SPDX-License-Identifier: MIT
"""A strict reader of OpenMetrics 1.0 text: what a scraper may rely on, and what gomaptop promises
beyond that (no control or format characters in labels, bounded labels)."""
import re
import unicodedata
from decimal import Decimal

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}
NAME = re.compile(r"gomaptop_[a-z][a-z0-9_]*\Z")
META = re.compile(r"# (TYPE|UNIT|HELP) (\S+) (\S.*)\Z")
SAMPLE = re.compile(r"([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)\Z")
LABEL = re.compile(r'([a-z][a-z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?\Z")
LABEL_MAX = 203


class Wrong(Exception):
    """The text is not what it ought to be."""


def demand(condition, *words):
    if not condition:
        raise Wrong(*words)


def _labels(text):
    labels, at = {}, 0
    while True:
        found = LABEL.match(text, at)
        demand(found, "no label", text[at:])
        name, raw = found.groups()
        demand(name not in labels, "label twice", name)
        value = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], raw)
        demand(value, "empty label", name)
        demand(len(value.encode()) <= LABEL_MAX, "long label", value)
        demand(not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in value),
               "hostile label", value)
        labels[name] = value
        at = found.end()
        if at == len(text):
            return labels
        demand(text[at] == ",", "no comma", text[at:])
        at += 1


class Document:
    """families: {name: type}; samples: {(name, sorted labels): Decimal}."""

    def __init__(self, text):
        self.families, self.samples, self.units = {}, {}, {}
        self._family, self._told = None, set()
        demand(text.endswith("# EOF\n"), "no EOF")
        for line in text[:-len("# EOF\n")].split("\n")[:-1]:
            self._meta(line) if line.startswith("#") else self._sample(line)
        demand(self._family is None or self._sampled, "no samples", self._family)

    def _meta(self, line):
        found = META.match(line)
        demand(found, "no metadata", line)
        kind, name, rest = found.groups()
        if kind == "TYPE":
            demand(NAME.match(name), "name", name)
            demand(name not in self.families, "family twice", name)
            demand(self._family is None or self._sampled, "no samples", self._family)
            demand(rest in SUFFIX, "type", rest)
            demand(not name.endswith(("_total", "_info")), "name has a suffix", name)
            self.families[name], self._family = rest, name
            self._told, self._sampled = set(), False
        demand(name == self._family and not self._sampled, "metadata at the wrong place", line)
        demand(kind not in self._told, "told twice", line)
        self._told.add(kind)
        if kind == "UNIT":
            demand(name.endswith("_" + rest), "unit", line)
            self.units[name] = rest
        if kind == "HELP":
            demand("\\" not in rest and '"' not in rest, "help", line)

    def _sample(self, line):
        found = SAMPLE.match(line)
        demand(found, "no sample", line)
        name, labels, number = found.groups()
        demand(self._family, "sample without a family", line)
        kind = self.families[self._family]
        demand(name == self._family + SUFFIX[kind], "of another family", line)
        demand("HELP" in self._told, "no help", line)
        demand(NUMBER.match(number), "number", line)
        key = (name, tuple(sorted(_labels(labels).items())) if labels is not None else ())
        demand(key not in self.samples, "sample twice", line)
        value = Decimal(number)
        demand(kind == "gauge" or value >= 0, "below zero", line)
        demand(kind != "info" or value == 1, "info", line)
        self._sampled = True
        self.samples[key] = value

    def all(self, name, **labels):
        """{labels: value} of the samples of this name that have these labels."""
        return {key[1]: value for key, value in self.samples.items()
                if key[0] == name and labels.items() <= dict(key[1]).items()}

    def one(self, name, **labels):
        """The one value; None: there is no such sample."""
        found = self.all(name, **labels)
        demand(len(found) <= 1, "more than one", name, labels)
        return next(iter(found.values()), None)

    def sum(self, name, **labels):
        found = self.all(name, **labels)
        demand(found, "none", name, labels)
        return sum(found.values())

    def counters(self):
        return {key: value for key, value in self.samples.items()
                if self.families.get(key[0][:-len("_total")]) == "counter"
                and key[0].endswith("_total")}


def sums(document):
    """What does not hold of the equations that every document promises."""
    d = document
    if d.sum("gomaptop_probe_hits_total") != (d.sum("gomaptop_probe_hits_filtered_total") +
                                              d.sum("gomaptop_probe_hits_counted_total")):
        yield "hits are not filtered + counted"
    if d.sum("gomaptop_events_made_total") != (d.sum("gomaptop_events_delivered_total") +
                                               d.sum("gomaptop_events_lost_total")):
        yield "events made are not delivered + lost"
    base = d.one("gomaptop_overhead_base_seconds_total")
    estimate = d.one("gomaptop_overhead_estimate_ratio")
    if (base is None) != (estimate is None):
        yield "an estimate has a base"
    if estimate is not None and estimate < 1:
        parts = sum(d.one(f"gomaptop_overhead_{part}_seconds_total")
                    for part in ("hits", "held", "waiting"))
        if abs(parts / base - estimate) > estimate / 10**8:
            yield f"the parts of the estimate make {parts / base}, not {estimate}"


def went_down(before, after):
    """Counters that are lower than before."""
    now = after.counters()
    return {key: (value, now[key]) for key, value in before.counters().items()
            if key in now and now[key] < value}
