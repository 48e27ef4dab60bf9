"""Which version of Outrider this is; CHANGELOG.md has a heading for it, a release its tag."""

VERSION = "1.0.0"
