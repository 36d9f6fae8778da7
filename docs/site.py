"""What makes a site of the pages (mkdocs.yml): the pages stay as they are read in the repository.

A page links to files of the repository, which lie beside docs/ and not in it. Each of them that is linked becomes a
file of the site: a page where it is Markdown, else a page that shows its text. The README is the front page."""

import logging
import os
import re

from mkdocs.structure.files import File

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"(!?\[(?:[^\[\]]|!?\[[^\[\]]*\]\([^()]*\)|\[[^\[\]]*\])*\]\()([^()\s]+)(\))")
IMAGE = re.compile(r'(<img src=")([^"]+)(")')
LOG = logging.getLogger("mkdocs.hooks.site")
FRONT = "README.md"
LANGUAGES = {".c": "c", ".h": "c", ".def": "c", ".py": "python", ".rfl": "text", ".json": "json", ".sh": "bash"}


def repository_path(page, target):
    """The path in the repository that a link of the page at `page` leads to; None for one that leads elsewhere."""
    if re.match(r"[a-z]+:|#|//", target):
        return None
    path = os.path.normpath(os.path.join(os.path.dirname(page), target.partition("#")[0]))
    return None if path.startswith("..") else path


def is_of_site(path):
    """Whether it lies among the sources of the site already."""
    return path.startswith("docs/") and not path.startswith("docs/vscode")


def site_path(path):
    """Where the file lies among the sources of the site."""
    if path == FRONT:
        return "index.md"
    if is_of_site(path):
        return path[len("docs/"):]
    folder = "repository/"
    if os.path.isdir(os.path.join(ROOT, path)):
        readme = os.path.join(path, "README.md")
        return folder + readme if os.path.exists(os.path.join(ROOT, readme)) else folder + path + "/index.md"
    return folder + path if path.endswith(".md") else folder + path + ".md"


def links(markdown):
    return [match[2] for kind in (LINK, IMAGE) for match in kind.finditer(without_code(markdown))]


def without_code(markdown):
    markdown = re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", lambda match: "`" + "x" * (len(match[0]) - 2) + "`", markdown)


def moved(markdown, page, place):
    """The text with its links as they are at that place of the site."""
    def move(match):
        path = repository_path(page, match[2])
        if path is None or not os.path.exists(os.path.join(ROOT, path)):
            return match[0]  # mkdocs says that it leads nowhere
        mark = match[2].partition("#")[2]
        target = os.path.relpath(site_path(path), os.path.dirname(place) or ".")
        return match[1] + target + ("#" + mark if mark and path.endswith(".md") else "") + match[3]

    return IMAGE.sub(move, LINK.sub(move, markdown))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def listing(path):
    """A page that shows a file, or what a folder holds. The search leaves it out."""
    whole = os.path.join(ROOT, path)
    head = f"---\nsearch:\n  exclude: true\n---\n# {os.path.basename(path)}\n\n`{path}`\n\n"
    if os.path.isdir(whole):
        return head + "".join(f"- `{name}`\n" for name in sorted(os.listdir(whole)) if not name.startswith("."))
    with open(whole, "rb") as file:
        if b"\0" in file.read(8192):
            return f"{head}{os.path.getsize(whole)} bytes, not shown here.\n"
    language = LANGUAGES.get(os.path.splitext(path)[1], "text")
    return f"{head}````{language}\n{read(path).rstrip()}\n````\n"


def listed(nav):
    for entry in nav:
        for value in entry.values():
            yield from listed(value) if isinstance(value, list) else [value]


def on_config(config):
    """Navigation: the paragraphs of the README that begin with a word in bold, and the links in them."""
    config.nav = [{config.site_name: "index.md"}]
    for group in re.finditer(r"^\*\*(\w+)\*\*: (.*?)\n\n", read(FRONT), re.S | re.M):
        pages = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", group[2])
        config.nav.append({group[1]: [{title[0].upper() + title[1:]: site_path(path)} for title, path in pages]})
    return config


def on_files(files, config):
    """Adds the front page and, from page to page, all that is linked."""
    for file in files.documentation_pages():
        if file.src_path not in listed(config.nav):
            LOG.warning("%s lists no page docs/%s", FRONT, file.src_path)
    waiting = [FRONT] + ["docs/" + file.src_path for file in files.documentation_pages()]
    known = set(waiting)
    while waiting:
        path = waiting.pop()
        is_page = path.endswith(".md")
        if is_page and os.path.isfile(os.path.join(ROOT, path)):
            for target in links(read(path)):
                other = repository_path(path, target)
                if other is None or not os.path.exists(os.path.join(ROOT, other)):
                    continue
                readme = os.path.join(other, "README.md")
                if os.path.exists(os.path.join(ROOT, readme)):
                    other = readme
                if other not in known and not is_of_site(other):
                    known.add(other)
                    waiting.append(other)
        if is_of_site(path):
            continue
        text = moved(read(path), path, site_path(path)) if is_page else listing(path)
        files.append(File.generated(config, site_path(path), content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    if page.file.generated_by is not None:
        return markdown
    return moved(markdown, "docs/" + page.file.src_path, page.file.src_path)
