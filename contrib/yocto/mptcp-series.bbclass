# SPDX-License-Identifier: MIT
#
# Patches the kernel with an mptcp-series queue at the end of do_patch, after the recipe's own patches.
#
#     inherit mptcp-series
#     MPTCP_SERIES = "/srv/mptcp/series/mptcp-5.15"
#     MPTCP_SERIES_SOURCE = "/srv/linux-stable.git"
#
# MPTCP_SERIES            directory of the series; its overrides are found beside it
# MPTCP_SERIES_SOURCE     repository that has the pinned commits; not needed where all patches are files
# MPTCP_SERIES_SOURCES    "series=repository ..." for series of a stack that have a repository of their own
# MPTCP_SERIES_OVERRIDES  another directory of overrides
#
# S may be a plain source tree, which is patched where it is, or a git checkout: there the queue becomes the branch
# mptcp-series-<base> and is checked out. A second do_patch on the same S changes nothing. Whatever needs a person
# (a conflict, a lost fix, a stale override) ends the build with one line each.
#
# The package and pygit2 must be importable by BitBake's Python.

MPTCP_SERIES ?= ""
MPTCP_SERIES_SOURCE ?= ""
MPTCP_SERIES_SOURCES ?= ""
MPTCP_SERIES_OVERRIDES ?= ""

python mptcp_series_do_patch () {
    import subprocess
    from pathlib import Path

    from mptcp_series import MptcpSeriesError, NeedsPerson, Queue
    from mptcp_series.engine.directory.target import recover_directory
    from mptcp_series.engine.store.repository import plain_directory
    from mptcp_series.errors import AlreadyApplied

    def value(name):
        return (d.getVar(name) or "").strip() or None

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=tree, capture_output=True, text=True)
        if done.returncode != 0:
            bb.fatal("mptcp-series: git %s in %s: %s" % (" ".join(arguments), tree, done.stderr.strip()))
        return done.stdout.strip()

    series, tree = value("MPTCP_SERIES"), value("S")
    if series is None:
        bb.fatal("mptcp-series: MPTCP_SERIES is empty; it names the directory of the series")
    sources = [entry.partition("=")[::2] for entry in (value("MPTCP_SERIES_SOURCES") or "").split()]
    branch = "mptcp-series-"
    try:
        queue = Queue.load(
            series, overrides=value("MPTCP_SERIES_OVERRIDES"), source=value("MPTCP_SERIES_SOURCE"), sources=dict(sources)
        )
        if plain_directory(tree) is not None:
            recover_directory(tree)
            result = queue.apply(tree).require().write_directory()
            bb.note("mptcp-series: %s on Linux %s: %s" % (queue.name, result.base.version, dict(result.counts)))
            return
        head = git("rev-parse", "--abbrev-ref", "HEAD")
        # What this class did before is done anew, from the commit it was done to.
        base = head[len(branch):] if head.startswith(branch) else git("rev-parse", "HEAD")
        result = queue.apply(tree, base=base).require()
        git("checkout", "--quiet", "--detach", base)
        name = branch + result.base.commit
        result.write_branch(name)
        git("checkout", "--quiet", name)
        bb.note("mptcp-series: %s on Linux %s: %s" % (queue.name, result.base.version, dict(result.counts)))
    except AlreadyApplied as applied:
        if not applied.same:
            bb.fatal("mptcp-series: %s; run do_unpack again (bitbake -c cleansstate)" % applied)
        bb.note("mptcp-series: %s" % applied)
    except NeedsPerson as error:
        bb.fatal("mptcp-series: a person is needed:\n" + "\n".join(error.reasons))
    except MptcpSeriesError as error:
        bb.fatal("mptcp-series: %s" % error)
}

do_patch[postfuncs] += "mptcp_series_do_patch"
do_patch[vardeps] += "MPTCP_SERIES MPTCP_SERIES_SOURCE MPTCP_SERIES_SOURCES MPTCP_SERIES_OVERRIDES"

# For a layer that carries an export (`mptcp-series export --format yocto`) instead: BitBake looks at the checksums of
# what it downloads, and not at those of files of a layer. A patch that was edited by hand ends the build.

python mptcp_series_check_sums () {
    import hashlib

    for uri in (d.getVar("SRC_URI") or "").split():
        scheme, _, rest = uri.partition("://")
        name, *parameters = rest.split(";")
        wanted = [value for key, _, value in (entry.partition("=") for entry in parameters) if key == "sha256sum"]
        if scheme != "file" or not wanted:
            continue
        path = bb.utils.which(d.getVar("FILESPATH") or "", name)
        if not path:
            bb.fatal("mptcp-series: %s is in SRC_URI and nowhere in FILESPATH" % name)
        with open(path, "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != wanted[0]:
            bb.fatal("mptcp-series: %s is not what was exported: sha256 %s, and SRC_URI says %s" % (path, found, wanted[0]))
}

do_patch[prefuncs] += "mptcp_series_check_sums"
