"""How often the stage `verify` errs, on claims that people have labelled."""
