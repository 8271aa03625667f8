#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# debian.sh, to be sourced: packages of any Debian suite, unpacked, never installed.
#
# They come from the Debian mirror that this machine's own apt uses (or from
# GOMAPTOP_DEBIAN_MIRROR), through an apt configuration of its own under the cache folder: the
# system's lists, cache and package database stay as they are, and no privilege is needed. Whoever
# sources this has a function die.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Every `URI suite components...` of the system's apt sources, both formats, a line per suite.
system_sources() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?//p' || true
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
		function out(   i, j, nu, ns, u, s) {
			nu = split(uris, u, " "); ns = split(suites, s, " ")
			for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j], components
			uris = suites = components = ""
		}
		/^#/ { next }
		/^[ \t]*$/ { out(); next }
		tolower($1) == "types:" && uris != "" { out() }
		tolower($1) == "uris:" { $1 = ""; uris = $0 }
		tolower($1) == "suites:" { $1 = ""; suites = $0 }
		tolower($1) == "components:" { $1 = ""; components = $0 }
		END { out() }' || true
}

# The mirror of the distribution proper: main, a plain suite, an address that ends in /debian.
mirror_find() {
	if [ -n "${GOMAPTOP_DEBIAN_MIRROR:-}" ]; then
		echo "$GOMAPTOP_DEBIAN_MIRROR"
		return
	fi
	local mirror
	mirror=$(system_sources | awk '$1 ~ /\/debian\/?$/ && / main( |$)/ && !found { print $1; found = 1 }')
	[ -n "$mirror" ] || die "no Debian mirror in this machine's apt sources; set" \
		"GOMAPTOP_DEBIAN_MIRROR to the address of one (it ends in /debian)"
	echo "$mirror"
}

# Write the private configuration for suite $2 below $1; $3: its architecture, if not this machine's.
# APT_CONFIG is read before everything else, so it can also keep apt from reading the system's hooks
# (docker's, for one, empty the system's cache); how to reach the network is taken over from the
# system. A mirror that stands still (a snapshot) is good enough here: signatures are checked, their
# age is not.
apt_prepare() {
	local suite=$2 architecture=${3:-} dir="$1/$2" mirror
	mirror=$(mirror_find)
	[ -r "$keyring" ] || die "$keyring is missing; install the package debian-archive-keyring"
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
	: >"$dir/status"
	cat >"$dir/sources.sources" <<-SOURCES
		Types: deb
		URIs: $mirror
		Suites: $suite
		Components: main
		Signed-By: $keyring
	SOURCES
	{
		apt-config dump | grep -E '^Acquire::(https?|ForceIPv[46]|Retries)\b' || true
		cat <<-CONF
			Dir::Etc::main "$dir/none";
			Dir::Etc::Parts "$dir/parts";
			Dir::Etc::sourcelist "$dir/sources.sources";
			Dir::Etc::sourceparts "$dir/none";
			Dir::Etc::preferences "$dir/none";
			Dir::Etc::preferencesparts "$dir/none";
			Dir::State "$dir";
			Dir::State::lists "$dir/lists";
			Dir::State::status "$dir/status";
			Dir::Cache "$dir";
			Dir::Cache::archives "$dir/archives";
			Acquire::Languages "none";
			Acquire::Check-Valid-Until "false";
			APT::Sandbox::User "";
			${architecture:+APT::Architecture "$architecture";}
			${architecture:+APT::Architectures "$architecture";}
		CONF
	} >"$dir/apt.conf"
	echo "$dir/apt.conf"
}

# debian_lists APT SUITE [ARCHITECTURE]: fetch a suite's package lists; prints what APT_CONFIG is to
# be for commands that use them. APT as with debian_unpack.
debian_lists() {
	local conf log
	conf=$(apt_prepare "$@")
	log=$(APT_CONFIG=$conf apt-get -qq -o APT::Update::Error-Mode=any update 2>&1) || {
		echo "$log" >&2
		die "Debian's suite $2 cannot be reached or verified (above is what apt-get says);" \
			"check the network and the proxy, or set GOMAPTOP_DEBIAN_MIRROR to another mirror"
	}
	echo "$conf"
}

# debian_unpack APT SUITE WORK PACKAGE...: unpack packages of a suite into WORK/root. APT is the
# folder of the private configurations; the caller sees to it that it is alone there.
debian_unpack() {
	local apt=$1 suite=$2 work=$3 conf deb
	shift 3
	conf=$(debian_lists "$apt" "$suite")
	(cd "$work" && APT_CONFIG=$conf apt-get -qq download "$@") >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "Debian's $suite does not have all of: $*"
	}
	mkdir "$work/root"
	for deb in "$work"/*.deb; do
		dpkg -x "$deb" "$work/root"
	done
}

# Packages hold links to absolute paths (/usr/share/go-1.24/src): make those point into the folder
# that they were unpacked to.
links_relocate() {
	local root=$1 link target
	find "$root" -type l -lname '/*' -print | while read -r link; do
		target=$(readlink "$link")
		[ -e "$root$target" ] || continue
		ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$root$target")" "$link"
	done
}
