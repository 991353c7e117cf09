// A relying party on the openid-client package, as somebody else would write one. Every answer is
// JSON for the test to look at; the library decides what is an error.
//
// Environment: ISSUER, CLIENT_ID, CLIENT_SECRET (empty for private_key_jwt), PORT, and FEATURES, a
// comma-separated choice of: par, dpop, jarm, private_key_jwt, signed_request, encrypted_id_token.

import { createServer } from 'node:http'
import * as client from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env
const features = new Set((process.env.FEATURES ?? '').split(',').filter(Boolean))
const base = `http://127.0.0.1:${PORT}`
const redirectUri = `${base}/callback`
const scope = 'openid profile email offline_access'

async function signingKey(kid) {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid, use: 'sig', alg: 'ES256' }
  return { key: pair.privateKey, kid, jwk }
}

let own = await signingKey('own')
const decryption = await crypto.subtle.generateKey(
  { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  true, ['encrypt', 'decrypt'])
const encryptionJwk = {
  ...(await crypto.subtle.exportKey('jwk', decryption.publicKey)), kid: 'enc', use: 'enc', alg: 'RSA-OAEP-256' }
const jwks = () => ({ keys: [own.jwk, encryptionJwk].map(({ key_ops, ext, ...jwk }) => jwk) })
const signer = () => ({ key: own.key, kid: own.kid })
const dpopKeys = features.has('dpop') ? await client.randomDPoPKeyPair('ES256') : undefined

let config
let dpop
let started = new Map()
let session

async function configuration() {
  if (config) return config
  const authentication = features.has('private_key_jwt')
    ? client.PrivateKeyJwt(signer())
    : client.ClientSecretBasic(CLIENT_SECRET)
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }
  const found = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication, options)
  if (features.has('jarm')) client.useJwtResponseMode(found)
  if (features.has('encrypted_id_token')) {
    client.enableDecryptingResponses(found, ['A128CBC-HS256', 'A256GCM'], { key: decryption.privateKey, kid: 'enc' })
  }
  if (dpopKeys) dpop = client.getDPoPHandle(found, dpopKeys)
  config = found
  return config
}

const routes = {
  '/jwks': async () => jwks(),

  // A new key of its own; the old one is forgotten.
  '/rotate': async () => {
    own = await signingKey('own-2')
    config = undefined
    return { kid: own.kid }
  },

  '/login': async (query) => {
    const config = await configuration()
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const parameters = {
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...Object.fromEntries(query),
    }
    started.set(state, { verifier, nonce })
    let url
    if (features.has('signed_request')) {
      url = await client.buildAuthorizationUrlWithJAR(config, parameters, signer())
      if (features.has('par')) url = await client.buildAuthorizationUrlWithPAR(config, url.searchParams, { DPoP: dpop })
    } else if (features.has('par')) {
      url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: dpop })
    } else {
      url = client.buildAuthorizationUrl(config, parameters)
    }
    return { redirect: url.href }
  },

  '/callback': async (query, url) => {
    const config = await configuration()
    const state = query.get('state') ?? [...started.keys()].at(-1)
    const { verifier, nonce } = started.get(state)
    const tokens = await client.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    }, undefined, { DPoP: dpop })
    session = tokens
    return { claims: tokens.claims(), token_type: tokens.token_type, refreshable: !!tokens.refresh_token }
  },

  '/userinfo': async () => {
    const config = await configuration()
    return client.fetchUserInfo(config, session.access_token, session.claims?.().sub ?? session.sub, { DPoP: dpop })
  },

  '/refresh': async () => {
    const config = await configuration()
    const sub = session.claims().sub
    const tokens = await client.refreshTokenGrant(config, session.refresh_token, undefined, { DPoP: dpop })
    const fresh = tokens.access_token !== session.access_token
    session = tokens
    return { fresh, sub, claims: tokens.claims() }
  },

  '/logout': async () => {
    const config = await configuration()
    const url = client.buildEndSessionUrl(config, {
      // A hint has to be decrypted first (OpenID Connect Core section 3.1.2.1); without one the
      // person is asked.
      ...(features.has('encrypted_id_token') ? {} : { id_token_hint: session.id_token }),
      post_logout_redirect_uri: `${base}/bye`,
      state: 'leaving',
    })
    return { redirect: url.href }
  },

  '/bye': async (query) => ({ bye: query.get('state') }),
}

function described(error) {
  const cause = error.cause ?? {}
  return {
    error: error.error ?? cause.error ?? error.code ?? error.name,
    description: error.error_description ?? error.message,
    cause: String(cause.message ?? ''),
  }
}

createServer(async (request, response) => {
  const url = new URL(request.url, base)
  const route = routes[url.pathname]
  if (!route) return response.writeHead(404).end()
  try {
    const answer = await route(url.searchParams, url)
    if (answer.redirect) return response.writeHead(303, { location: answer.redirect }).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  } catch (error) {
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(described(error)))
  }
}).listen(Number(PORT), '127.0.0.1')
