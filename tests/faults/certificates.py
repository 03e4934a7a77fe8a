# SPDX-License-Identifier: Apache-2.0
"""A server's certificates, good and bad, signed by an authority of the test's."""
import ssl
import subprocess

HOST = "IP:127.0.0.1"
THEN = ("20200101000000Z", "20200201000000Z")
NOW = ("20200101000000Z", "20491231000000Z")

CONF = """
[ca]
default_ca = it
[it]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, timeout=20,
                   capture_output=True)


class Certificates:
    """`ca` is the file to trust; contexts() are what a server may show."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.authority("ca")
        self.authority("stranger")
        (folder / "index").touch()
        (folder / "ca.conf").write_text(CONF.format(folder=folder), "ascii")
        self.good = self.server("good")
        self.bad = {
            "expired": self.server("expired", valid=THEN),
            "of another host": self.server("other", host="IP:127.0.0.9"),
            "of an unknown authority": self.server("unknown",
                                                   signer="stranger")}

    def authority(self, name):
        crt = self.folder / f"{name}.crt"
        openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", "-days", "2",
                "-keyout", self.folder / f"{name}.key", "-out", crt)
        return crt

    def server(self, name, host=HOST, valid=NOW, signer="ca"):
        key, csr, crt = (self.folder / f"{name}.{end}"
                         for end in ("key", "csr", "crt"))
        openssl("req", "-new", *KEY, "-subj", f"/CN={name}", "-addext",
                f"subjectAltName={host}", "-keyout", key, "-out", csr)
        openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.conf",
                "-cert", self.folder / f"{signer}.crt", "-keyfile",
                self.folder / f"{signer}.key", "-startdate", valid[0],
                "-enddate", valid[1], "-in", csr, "-out", crt)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        return context
