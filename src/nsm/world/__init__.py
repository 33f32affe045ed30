"""A whole mesh on one Linux host, from one file: what `nsm up` builds and `nsm down` removes."""
