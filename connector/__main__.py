"""`python -m connector` is the same program as `prestashop-connector`."""

from connector.entry import main

if __name__ == "__main__":
    main()
