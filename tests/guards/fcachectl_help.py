#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`fcachectl help` is what its manual page, its documentation and its completion
tell, and the manual page is one."""
import re
import subprocess

from support.guard import Guard

MAN = "tools/fcachectl.1"
DOC = "docs/fcachectl.md"
COMPLETION = "tools/completion/fcachectl"
OPTION = re.compile(r"^  -(\w), --([a-z-]+)(?: (\S+(?: \S+)*))?  +\S", re.M)

guard = Guard()


def run(*words):
    done = subprocess.run([guard.build / "fcachectl", *words], text=True,
                          capture_output=True, check=False)
    guard.looked_at()
    return done.stdout + done.stderr


def differ(where, what, told, known):
    for name in sorted(set(known) - set(told)):
        guard.bad(where, f"{what} {name} is missing")
    for name in sorted(set(told) - set(known)):
        guard.bad(where, f"{what} {name} is not what help says")


def plain(text):
    """Without macros, blanks and brackets."""
    text = re.sub(r"\b(Cm|Ar|Ns|Op|Fl)\b", "", text.replace(r"\(aq", "'"))
    return re.sub(r"[\s\[\]]", "", text).lower()


general = run("help")
ALWAYS = {name for _, name, _ in OPTION.findall(general)}
commands = dict(re.findall(r"^  ([a-z]+) +((?:\S+(?: \S+)*)?)  +\S", general,
                           re.M))
taken = {name: OPTION.findall(run("help", name)) for name in commands}
options = {option for rows in taken.values() for option in rows}
if not ALWAYS or len(commands) < 5:
    guard.bad("fcachectl", "help cannot be read")

# The manual page.
man = guard.read(MAN)
sections = dict(re.findall(r"^\.Sh ([A-Z ]+)\n(.*?)(?=^\.Sh |\Z)", man,
                           re.M | re.S))
told = re.findall(r"^\.It Cm (\w+)([^\n]*)\n(.*?)(?=^\.It |^\.El)",
                  sections.get("COMMANDS", ""), re.M | re.S)
differ(MAN, "command", {f"{name} {plain(args)}" for name, args, _ in told},
       {f"{name} {plain(args)}" for name, args in commands.items()})
for name, _, text in told:
    differ(MAN, f"of {name} option", re.findall(r"Fl -([a-z-]+)", text),
           {option for _, option, _ in taken.get(name, ())} - ALWAYS)
differ(MAN, "option",
       {(letter, name, plain(arg)) for letter, name, arg in
        re.findall(r"^\.It Fl (\w) , Fl -([a-z-]+)(.*)$",
                   sections.get("OPTIONS", ""), re.M)},
       {(letter, name, plain(arg)) for letter, name, arg in options})
done = subprocess.run(["groff", "-mdoc", "-ww", "-z", "-Tutf8",
                       guard.source / MAN], capture_output=True, text=True,
                      check=False)
if done.returncode != 0 or done.stderr:
    guard.bad(MAN, done.stderr)

# The documentation.
doc = guard.read(DOC)
table = re.search(r"^## Commands\n(.*?)^## ", doc, re.M | re.S)
differ(DOC, "command", re.findall(r"^\| `(\w+)", table.group(1) if table
                                  else "", re.M), set(commands) - {"help"})
differ(DOC, "option", re.findall(r"(?<![\w-])--([a-z][a-z-]*)", doc),
       {name for _, name, _ in options})

# What completion knows and help does not say.
script = guard.read(COMPLETION)
lists = [set(words.split()) for words in
         re.findall(r"offers='([^'$]*)'", script)]
for words in (
        set(re.findall(r"(\w+:),?(?= |$)", run("-s", "none:", "stats")
                       .partition("there are:")[2], re.M)),
        set(re.findall(r"[a-z]+=", run("help", "purge")))
        | {"prefix", "all"}):
    if words not in lists:
        guard.bad(COMPLETION, f"does not offer {' '.join(sorted(words))}")

guard.finish()
