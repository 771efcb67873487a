"""The production databases: fetched where the config names none, verified, unpacked, recorded.

Required: resources/databases.tsv. Gives: {directory}/{database}/files and database.json. Which versions work together
is checked while the config is read (gutaxis.metagenome.compatibility); resources/README.md tells what is verified how.
"""


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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(2880),
    params:
        table=resource("databases.tsv"),
        rows=database_rows,
        code=code("fetch_database"),
    message:
        "Database {wildcards.database}: fetch, verify, unpack"
    script:
        "../scripts/fetch_database.py"
