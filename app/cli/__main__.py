"""`python -m app.cli`: the same as the script `domainqa`, for launchers that start modules."""

from app.cli import main

if __name__ == "__main__":
    main()
