"""The Source that needs no API server: a directory of the same YAML objects.

reading     the text of one file → objects, and a finding with its line for each that cannot be read
view        objects of many files → one object per name, writers' statuses merged over users' files
tree        which files there are and which of them changed; what vanished is looked at twice
watch       waking up when something below the directory changes
dump        objects → YAML text
events      Events counted up and bounded
writer      one writer's sub-directory: files replaced atomically
source      DirectorySource: all of it together, off the event loop
lint        what is wrong with files that nobody follows yet, with file and line

Layout: users' files anywhere below the directory (*.yaml, *.yml, *.json) but in `status`, where
each writer owns status/<writer>/<Kind>/<namespace or _>/<name>.yaml. Hidden files and what editors
leave lying about (~, .swp, #...#) do not count.
"""

from vipcast.files.source import DirectorySource

__all__ = ["DirectorySource"]
