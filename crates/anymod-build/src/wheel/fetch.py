"""Downloads the source distribution of NAME VERSION into DIRECTORY, as pip is configured, without running anything in it.

`pip download` would ask the package's backend for metadata, which installs and runs it; only finding and fetching is wanted.
"""

import os
import sys

name, version, directory = sys.argv[1:4]

from pip._internal.commands import create_command

command = create_command("download")
options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "--no-input", name])
with command.main_context():
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session)
    candidates = [
        candidate
        for candidate in finder.find_all_candidates(name)
        if str(candidate.version) == str(type(candidate.version)(version))
    ]
    if not candidates:
        sys.exit(f"the index has no source distribution of {name} {version}")
    # A `.tar.gz` before a `.zip`.
    link = sorted(candidates, key=lambda candidate: not candidate.link.filename.endswith(".tar.gz"))[0].link
    if link.is_file:
        with open(link.file_path, "rb") as file:
            content = file.read()
    else:
        response = session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"})
        response.raise_for_status()
        content = response.content
if link.hash and link.hash_name == "sha256":
    import hashlib

    if hashlib.sha256(content).hexdigest() != link.hash:
        sys.exit(f"{link.filename} does not have the hash that the index gives for it")
with open(os.path.join(directory, os.path.basename(link.filename)), "wb") as file:
    file.write(content)
