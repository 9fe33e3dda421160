"""The streaming canonical form against that of libxml2, which nobody here wrote."""

import random
from collections.abc import Sequence
from xml.parsers import expat

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.canonical_stream import CanonicalWriter

_URIS = ("urn:a", "urn:b", "urn:c")
_TEXTS = ("t&amp;>\n", "<!-- a comment -->", "é&#13;\t", "<![CDATA[<&>]]>", "\r\n")


def written(xml: bytes, prefixes: Sequence[str] = ()) -> bytes:
    pieces: list[bytes] = []
    writer = CanonicalWriter(pieces.append, prefixes)
    parser = expat.ParserCreate("UTF-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.Parse(xml, True)
    writer.flush()
    return b"".join(pieces)


def made_up(chance: random.Random, depth: int, scope: frozenset[str]) -> str:
    declared = {
        prefix: chance.choice((*_URIS, "") if prefix == "" else _URIS)
        for prefix in ("", "a", "b", "c")
        if chance.random() < 0.3
    }
    scope |= declared.keys()
    prefix = chance.choice(sorted(scope))
    names = {chance.choice("klmn"): chance.choice(sorted(scope)) for _ in range(chance.randint(0, 3))}
    attributes = [f'xmlns{":" if key else ""}{key}="{uri}"' for key, uri in declared.items()]
    attributes += [
        f'{key}{":" if key else ""}{name}="v&amp;&lt;&#10;&#9;\' &quot;é>"' for name, key in sorted(names.items())
    ]
    if chance.random() < 0.2:
        attributes.append('xml:lang="en"')
    chance.shuffle(attributes)
    content = "".join(
        chance.choice((*_TEXTS, made_up(chance, depth - 1, scope) if depth else ""))
        for _ in range(chance.randint(0, 4))
    )
    name = f"{prefix}{':' if prefix else ''}{chance.choice('xyz')}"
    return f"<{name} {' '.join(attributes)}>{content}</{name}>"


@pytest.mark.parametrize("seed", range(8))
def test_canonical_writer__made_up_documents__are_written_as_libxml2_does(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        xml = made_up(chance, 4, frozenset({""})).encode()
        prefixes = [prefix for prefix in "abc" if chance.random() < 0.4]
        expected = etree.tostring(
            etree.fromstring(xml), method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
        )

        assert written(xml, prefixes) == expected


def test_canonical_writer__default_namespace_in_the_list__is_declared_though_unused() -> None:
    xml = b'<a:x xmlns:a="urn:a" xmlns="urn:d"><a:y/></a:x>'

    assert written(xml, ["#default"]) == b'<a:x xmlns="urn:d" xmlns:a="urn:a"><a:y></a:y></a:x>'
    assert written(xml) == b'<a:x xmlns:a="urn:a"><a:y></a:y></a:x>'


@pytest.mark.parametrize(
    "xml",
    [
        "<a:x/>",
        '<x a:b=""/>',
        '<x xmlns:a=""/>',
        '<x xmlns:xml="urn:a"/>',
        '<x xmlns:a="http://www.w3.org/XML/1998/namespace"/>',
        '<x xmlns:xmlns="urn:a"/>',
        '<x xmlns:a="http://www.w3.org/2000/xmlns/"/>',
        '<a:b:c xmlns:a="urn:a"/>',
        "<:x/>",
        '<x xmlns:a="urn:a" xmlns:b="urn:a" a:c="" b:c=""/>',
        f'<x xmlns:a="urn:{"x" * 300}"/>',
        f"<{'x' * 300}/>",
        "<x>" * 33 + "</x>" * 33,
        "<x " + " ".join(f'a{number}=""' for number in range(65)) + "/>",
        "<x>" + "".join(f"<x{number}/>" for number in range(5000)) + "</x>",
    ],
)
def test_canonical_writer__names_that_mean_nothing_or_cost_much__are_refused(xml: str) -> None:
    with pytest.raises(SamlError) as caught:
        written(xml.encode())

    assert caught.value.reason is Reason.METADATA_MALFORMED
