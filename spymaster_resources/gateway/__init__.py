"""The local vendor gateway: the vendor's historical HTTP interface over files that lie here.

`server` is what others start. `app` routes requests to `batch`, `bundle`, `timeseries`, `symbols`
and `details`, which share the state in `account`; `query` and `instants` read their fields, `body`
and `refusal` are their answers. `archive` and `simulated` say which file holds a day, and
`market_files` what the simulated market holds; `symbology`
and `extract` take the requested part of it; `jobs` and `package` give batch jobs their life and
files; `faults` breaks any of it on demand; `tls` makes the certificate.

The official client talks to it unchanged, given `gateway=Gateway.url` and the certificate in
REQUESTS_CA_BUNDLE.
"""
