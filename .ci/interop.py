"""Checks of exported files with the libraries that their readers use. One argument for what, and where it is."""

import csv
import hashlib
import json
import os
import pathlib
import random
import sys

def said(what, count):
    print(f"{what}: {count}")


def stix_faults(text):
    """Whether stix2-validator at its strictest takes a bundle, and what it says otherwise."""
    from stix2validator import ValidationOptions, validate_string

    options = ValidationOptions(version="2.1", strict=True, strict_types=True, strict_properties=True, enforce_refs=True)
    result = validate_string(text, options)
    faults = [str(error) for error in result.errors] + [str(warning) for warning in result.warnings]
    return [] if result.is_valid and not faults else faults or ["invalid"]


def in_bundles(bundle, most):
    """A large bundle as several, each with what its objects refer to; the validator takes minutes for a large one."""
    by_id = {one["id"]: one for one in bundle["objects"]}
    listings = [one for one in bundle["objects"] if one["type"] == "identity" and "extensions" in one]
    others = {}
    for one in bundle["objects"]:
        if one["type"] == "relationship":
            others.setdefault(one["source_ref"], []).extend([one, by_id[one["target_ref"]]])
    held = {one["id"] for one in listings}
    common = [one for one in bundle["objects"] if one["type"] not in ("relationship", "location") and one["id"] not in held]
    for first in range(0, len(listings), most):
        objects = list(common)
        for listing in listings[first : first + most]:
            objects += [listing, *others.get(listing["id"], [])]
        yield {"type": "bundle", "id": bundle["id"], "objects": objects}


def stix(path):
    import stix2

    text = pathlib.Path(path).read_text()
    bundle = json.loads(text)
    ids = [one["id"] for one in bundle["objects"]]
    assert len(ids) == len(set(ids)), "an id stands twice"
    referred = {one[name] for one in bundle["objects"] for name in one if name.endswith("_ref")}
    assert referred <= set(ids), "something that is referred to is missing"
    # All of a small bundle; of a large one nine parts, since the validator takes two to four seconds for each: drawn by a
    # seed that is another one for other bytes, or by SEED, and the first of them always.
    parts = list(in_bundles(bundle, 50))
    seed = int(os.environ.get("SEED") or hashlib.sha256(text.encode()).hexdigest()[:8], 16)
    drawn = random.Random(seed).sample(range(1, len(parts)), 8) if len(parts) > 9 else range(1, len(parts))
    checked = [parts[0], *(parts[at] for at in sorted(drawn))]
    said("SEED of the parts that are checked", f"{seed:08x}")
    for part in checked:
        text = json.dumps(part)
        assert not (faults := stix_faults(text)), faults[:5]
        stix2.parse(text, allow_custom=False)
    listings = [one for one in bundle["objects"] if one["type"] == "identity" and "extensions" in one]
    said("STIX objects", len(ids))
    said("  of them listings, revoked", f"{len(listings)}, {sum(one.get('revoked', False) for one in listings)}")
    said("  parts of 50 listings that stix2-validator and python-stix2 take", f"{len(checked)} of {len(parts)}")


def ftm(path):
    from followthemoney import model
    from followthemoney.proxy import EntityProxy

    held, wrong, referred, count = {}, [], set(), 0
    for line in pathlib.Path(path).read_text().splitlines():
        data = json.loads(line)
        schema = model.get(data["schema"])
        assert schema is not None and not schema.abstract, data["schema"]
        EntityProxy.from_dict(data)
        assert data["id"] not in held, "an id stands twice"
        held[data["id"]] = data["schema"]
        for name, values in data["properties"].items():
            property = schema.get(name)
            assert property is not None, f"{data['schema']} has no {name}"
            assert not property.stub, name
            for value in values:
                count += 1
                if property.type.name == "entity":
                    referred.add(value)
                elif property.type.name in ("date", "country", "gender", "topic") and not property.type.validate(value):
                    wrong.append(f"{data['schema']}:{name} {value!r}")
    assert not wrong, wrong[:5]
    assert referred <= held.keys(), "an entity that is referred to is missing"
    said("FollowTheMoney entities, values", f"{len(held)}, {count}")
    for schema in sorted(set(held.values())):
        said(f"  {schema}", sum(one == schema for one in held.values()))


def table(path):
    text = pathlib.Path(path).read_bytes().decode()
    rows = list(csv.reader(text.splitlines(keepends=True)))
    assert rows[0][:5] == ["id", "schema", "name", "aliases", "birth_date"], rows[0]
    assert all(len(row) == len(rows[0]) for row in rows)
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(tuple("=+-@\t\r\n")), cell
            # Where `;` divides cells, as spreadsheets of some countries have it.
            for part in next(csv.reader([cell], delimiter=";"), []):
                assert not part.startswith(tuple("=+-@\t\r\n")), cell
    said("rows of a table, none a formula", len(rows) - 1)


def misp(path):
    from pymisp import MISPEvent

    folder = pathlib.Path(path)
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {one.stem for one in folder.glob("*.json")} - {"manifest"}
    assert names == manifest.keys(), "manifest and files differ"
    hashes, attributes, deleted = {}, 0, 0
    for line in (folder / "hashes.csv").read_text().splitlines():
        digest, event = line.split(",")
        hashes.setdefault(event, set()).add(digest)
    # PyMISP takes some milliseconds for an event.
    for number, (name, about) in enumerate(sorted(manifest.items())):
        text = (folder / f"{name}.json").read_bytes()
        assert hashlib.sha256(text).hexdigest() == about["integrity:sha256"], name
        if number % max(1, len(manifest) // 400):
            continue
        event = MISPEvent(strict_validation=True)
        event.load(json.loads(text), validate=False)
        assert event.uuid == name and str(int(event.timestamp.timestamp())) == about["timestamp"]
        assert event.info == about["info"] and event.Orgc.uuid == about["Orgc"]["uuid"]
        assert any(tag.name.startswith("tlp:") for tag in event.tags)
        kept = [one for one in event.attributes if not one.deleted]
        attributes, deleted = attributes + len(event.attributes), deleted + len(event.attributes) - len(kept)
        known = {hashlib.md5(one.value.encode() if isinstance(one.value, str) else str(one.value)[:10].encode()).hexdigest() for one in kept}
        assert known == hashes.get(name, set()), f"{name}: hashes differ"
    said("MISP events, attributes looked at, of them deleted", f"{len(manifest)}, {attributes}, {deleted}")


def refuses(path):
    """A checker that takes everything checks nothing."""
    import stix2
    from pymisp import MISPEvent, PyMISPError

    folder = pathlib.Path(path)
    good = json.loads((folder / "stix").read_text())

    def broken(change):
        bundle = json.loads(json.dumps(good))
        change(next(one for one in bundle["objects"] if one["type"] == "identity" and "extensions" in one))
        return json.dumps(bundle)

    changes = [
        lambda one: one.pop("name"),
        lambda one: one.update(id="identity--1"),
        lambda one: one.update(modified="yesterday"),
        lambda one: one.update(x=1),
    ]
    for change in changes:
        assert stix_faults(broken(change)), "stix2-validator took a broken bundle"
        try:
            stix2.parse(broken(change), allow_custom=False)
        except Exception:
            continue
        raise AssertionError("python-stix2 took a broken bundle")
    event = json.loads(next(one for one in (folder / "misp").glob("*.json") if one.stem != "manifest").read_text())
    event["Event"]["Attribute"][0]["type"] = "no-such-type"
    try:
        MISPEvent().load(event)
    except PyMISPError:
        pass
    else:
        raise AssertionError("PyMISP took a broken event")
    said("broken bundles and events refused", len(changes) + 1)


def pages(read, **filters):
    """All pages of what a reader reads, with the most that stood on one."""
    from taxii2client.v21 import as_pages

    read_pages = list(as_pages(read, **filters))
    held = [one for page in read_pages for one in page.get("objects", [])]
    return held, len(read_pages), max(len(page.get("objects", [])) for page in read_pages)


def collection_of(url):
    """The one collection of a served node, by discovery."""
    from taxii2client.v21 import Server

    server = Server(f"{url}/taxii2/")
    assert server.default is not None and len(server.api_roots) == 1, server.api_roots
    root = server.default
    assert root.versions == ["application/taxii+json;version=2.1"], root.versions
    assert len(root.collections) == 1, root.collections
    collection = root.collections[0]
    assert collection.can_read and not collection.can_write
    return collection


def told_of(one):
    """What is told of an object: of one that has ended no more than STIX asks for."""
    if not one.get("revoked"):
        return one
    kept = ("type", "spec_version", "id", "created_by_ref", "created", "modified", "object_marking_refs", "revoked")
    return {name: one[name] for name in kept}


def taxii(url, path):
    """A served node read by taxii2-client, object for object what an export of its home holds."""
    from taxii2client.exceptions import AccessError

    collection = collection_of(url)
    bundle = json.loads(pathlib.Path(path).read_text())
    told = {one["id"]: told_of(one) for one in bundle["objects"]}
    for size in (0, 1, 7, 1000):
        held, count, most = pages(collection.get_objects, per_request=size)
        assert size == 0 or most <= size, f"a page of {most} where {size} were asked for"
        assert len(held) == len({one["id"] for one in held}), "an object stands twice"
        assert {one["id"]: told_of(one) for one in held} == told, "what is served is not what is exported"
        said(f"TAXII objects, pages of {size or 'any size'}", f"{len(held)}, {count}")
    faults = stix_faults(json.dumps({"type": "bundle", "id": bundle["id"], "objects": held}))
    assert not faults, faults[:5]
    manifest, _, _ = pages(collection.get_manifest, per_request=7)
    assert [one["id"] for one in manifest] == [one["id"] for one in held], "the manifest names others"
    added = [one["date_added"] for one in manifest]
    assert added == sorted(set(added)), "two objects were added at one time"
    middle = len(added) // 2
    late, _, _ = pages(collection.get_objects, added_after=added[middle])
    assert [one["id"] for one in late] == [one["id"] for one in held][middle + 1 :], "added_after"
    for one in held[:20]:
        found = collection.get_object(one["id"])["objects"]
        versions = collection.object_versions(one["id"])["versions"]
        assert found == [one] and versions[-1] == one.get("modified", one["created"]), one["id"]
        assert len(versions) == 1, one["id"]
    every, _, _ = pages(collection.get_objects, version="all", per_request=50)
    assert every == held, "there is a version besides the newest"
    ended = [one for one in held if one.get("revoked")]
    assert all(one["name"] == "withdrawn" and "external_references" not in one for one in ended), ended
    kinds, _, _ = pages(collection.get_objects, type=["identity", "location"])
    assert {one["type"] for one in kinds} <= {"identity", "location"}
    try:
        collection.add_objects({"objects": held[:1]})
    except AccessError:
        pass
    else:
        raise AssertionError("objects were taken")
    said("  versions of them", len(every))


def withheld(url, word):
    """Nothing of what is not for everybody is in any answer."""
    collection = collection_of(url)
    every, _, _ = pages(collection.get_objects, version="all")
    assert every, "nothing is served at all"
    assert word not in json.dumps(every), f"{word} is served"
    said(f"objects without {word}", len(every))


{"taxii": taxii, "withheld": withheld, "stix": stix, "ftm": ftm, "csv": table, "misp": misp, "refuses": refuses}[sys.argv[1]](*sys.argv[2:])
