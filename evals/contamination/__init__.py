"""Keep rubrics from the members, and say where one may have reached them all the same."""
