"""The production databases: fetched where the config names none, verified, unpacked, recorded.

Required: resources/databases.tsv. Gives: {directory}/{database}/files and database.json. Which versions work together
is checked while the config is read (gutaxis.metagenome.compatibility); resources/README.md tells what is verified how.
"""

from gutaxis.metagenome.database_folders import host_folder
from gutaxis.metagenome.references import database_files

DATABASES = config["metagenome"]["databases"]


def database_path(name):
    """Folder of a database: the one named in the config, else the one that is fetched. An input of the rules using it."""
    given = DATABASES[name]
    if given is None:
        return f"{DATABASES['directory']}/{name}/files"
    return str(host_folder(path=given)) if name == "host" else given


def pathways_path():
    """Folder with other pathway definitions for HUMAnN, or nothing."""
    return DATABASES["pathways"] or []


def database_rows(wildcards):
    """What decides whether a database has to be fetched anew: version and checksum of its files, not their addresses."""
    files = database_files(name=wildcards.database, table=resource("databases.tsv"))
    return [[file.file, file.version, file.checksum or "NA"] for file in files]


rule fetch_database:
    """Fetch, verify and unpack a database. `files` is a link: a rerun finds what is there and whole, and fetches nothing."""
    output:
        record=f"{DATABASES['directory']}/{{database}}/database.json",
        files=directory(f"{DATABASES['directory']}/{{database}}/files"),
    log:
        f"{OUT}/logs/fetch_database/{{database}}.log",
    benchmark:
        f"{OUT}/benchmarks/fetch_database/{{database}}.tsv"
    retries: 2
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=2880,
    params:
        table=resource("databases.tsv"),
        rows=database_rows,
        code=code("fetch_database"),
    message:
        "Database {wildcards.database}: fetch, verify, unpack"
    script:
        "../scripts/fetch_database.py"
