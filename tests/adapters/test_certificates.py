import os
import ssl

import pytest

from adapters.http.certificates import read_certificates, trusted_certificates, without_certificates


@pytest.mark.parametrize("file", [None, "/etc/authorities.pem"])
def test_what_is_imported_without_certificates_reads_none_and_changes_no_variable(
    monkeypatch: pytest.MonkeyPatch, file: str | None
) -> None:
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    if file is None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    else:
        monkeypatch.setenv("SSL_CERT_FILE", file)
    variables = dict(os.environ)

    with without_certificates():
        context = ssl.create_default_context()

    assert context.get_ca_certs() == []
    assert dict(os.environ) == variables


def test_certificates_that_are_being_read_already_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    read_certificates()

    assert trusted_certificates() is trusted_certificates()
