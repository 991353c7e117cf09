"""Encrypts and decrypts with joserfc. One JSON question on standard input, one JSON answer:

{ generate, crv }            -> { public, private }
{ encrypt, jwk, alg, enc }   -> { token }
{ decrypt, jwk }             -> { text, header }
"""

import json
import sys

from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ["RSA-OAEP-256", "ECDH-ES", "A128CBC-HS256", "A128GCM", "A256GCM"]


def key_of(jwk):
    return (RSAKey if jwk["kty"] == "RSA" else ECKey).import_key(jwk)


def generate(question):
    if question["generate"] == "RSA-OAEP-256":
        key = RSAKey.generate_key(2048)
    else:
        key = ECKey.generate_key(question["crv"])
    return {"public": key.as_dict(private=False), "private": key.as_dict(private=True)}


def encrypt(question):
    jwk = question["jwk"]
    header = {"alg": question["alg"], "enc": question["enc"], "kid": jwk["kid"], "cty": "JWT"}
    text = question["encrypt"].encode()
    return {"token": jwe.encrypt_compact(header, text, key_of(jwk), algorithms=ALGORITHMS)}


def decrypt(question):
    opened = jwe.decrypt_compact(
        question["decrypt"].encode(), key_of(question["jwk"]), algorithms=ALGORITHMS)
    return {"text": opened.plaintext.decode(), "header": opened.protected}


question = json.load(sys.stdin)
answers = {"generate": generate, "encrypt": encrypt, "decrypt": decrypt}
name = next(name for name in answers if name in question)
print(json.dumps(answers[name](question)))
