"""Who is who: SPIFFE ids, certificates, tokens, and the policies that judge them."""
