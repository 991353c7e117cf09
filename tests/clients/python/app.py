"""A relying party on Authlib's Flask integration, as somebody else would write one.

Every answer is JSON for the test to look at; the library decides what is an error.
Environment: ISSUER, CLIENT_ID, CLIENT_SECRET, PORT.
"""

import os

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request
from urllib.parse import urlencode

ISSUER = os.environ["ISSUER"]
BASE = f"http://127.0.0.1:{os.environ['PORT']}"

app = Flask(__name__)
app.secret_key = os.urandom(32)
oauth = OAuth(app)
doorward = oauth.register(
    name="doorward",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={
        "scope": "openid profile email offline_access",
        "code_challenge_method": "S256",
    },
)
session = {}


@app.errorhandler(OAuthError)
def told(error):
    return {"error": error.error, "description": error.description}, 400


@app.get("/login")
def login():
    wanted = dict(request.args)
    address = wanted.pop("redirect_uri", f"{BASE}/callback")
    return doorward.authorize_redirect(address, **wanted)


@app.get("/callback")
def callback():
    token = doorward.authorize_access_token()
    session["token"] = token
    return {
        "claims": token["userinfo"],
        "token_type": token["token_type"],
        "refreshable": "refresh_token" in token,
    }


@app.get("/userinfo")
def userinfo():
    return dict(doorward.userinfo(token=session["token"]))


@app.get("/refresh")
def refresh():
    before = session["token"]
    token = doorward.fetch_access_token(
        grant_type="refresh_token", refresh_token=before["refresh_token"]
    )
    claims = doorward.parse_id_token(token, nonce=None) if "id_token" in token else None
    session["token"] = {**before, **token}
    return {
        "fresh": token["access_token"] != before["access_token"],
        "sub": before["userinfo"]["sub"],
        "claims": claims,
    }


@app.get("/logout")
def logout():
    endpoint = doorward.load_server_metadata()["end_session_endpoint"]
    query = urlencode(
        {
            "id_token_hint": session["token"]["id_token"],
            "post_logout_redirect_uri": f"{BASE}/bye",
            "state": "leaving",
        }
    )
    return redirect(f"{endpoint}?{query}", code=303)


@app.get("/bye")
def bye():
    return {"bye": request.args.get("state")}


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
