"""References that mean the same tomorrow, and in every process: what moves (a branch, a stage, an alias) is looked up once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from modelyard.base.refs import BareRef, GitRef, NameRef, PathRef, RemoteRef, parse
from modelyard.registry.queries import selector
from modelyard.stores.git.hosts import repository_in
from modelyard.yard.places import elsewhere, whole_ref
from modelyard.yard.resolving import opened_place, resolve


def pinned(ref: str | Path, *, project: str | None = None, rev: str | None = None) -> str | Path:
    """The reference with the version or the commit that it means now, saying by itself what it said with its project.

    A path of this machine stays what it is; what moves there is not told by its name.
    """
    if not elsewhere(project, rev) and opened_place(ref, project) is not None:
        return ref
    parsed = parse(whole_ref(str(ref), project, rev))
    parsed = (isinstance(parsed, RemoteRef) and repository_in(parsed)) or parsed
    if isinstance(parsed, RemoteRef | PathRef):
        return str(parsed)
    source = resolve(ref, project=project, rev=rev)
    if isinstance(parsed, GitRef):
        commit = str(source.provenance.get("git", {}).get("commit", ""))
        if isinstance(parsed.object, NameRef) or (parsed.object and source.version):
            named = NameRef(source.name, selector(source.version))
            return str(replace(parsed, object=named, tail=""))
        return source.ref if parsed.tail else str(replace(parsed, rev=commit or parsed.rev))
    if isinstance(parsed, BareRef | NameRef) and source.version:
        return str(NameRef(source.name, selector(source.version)))
    return str(ref)
