// A client of the Model Context Protocol SDK and, beside it, the protected server it wants to use.
// The SDK finds the provider by the server's metadata (RFC 9728), registers itself or shows its
// metadata document, and asks for a token for exactly that server (RFC 8707).
//
// Environment: ISSUER, PORT, and CLIENT_METADATA_URL for a client that is a metadata document.

import { createServer } from 'node:http'
import { auth, discoverAuthorizationServerMetadata } from '@modelcontextprotocol/sdk/client/auth.js'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER, PORT, CLIENT_METADATA_URL } = process.env
const base = `http://127.0.0.1:${PORT}`
const server = `${base}/mcp`
const keys = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), { cooldownDuration: 0 })

let memory = {}
let wanted = {}

const provider = {
  get redirectUrl() { return `${base}/callback` },
  get clientMetadataUrl() { return CLIENT_METADATA_URL || undefined },
  get clientMetadata() {
    return {
      client_name: 'Orchard assistant',
      redirect_uris: [`${base}/callback`],
      post_logout_redirect_uris: [`${base}/bye`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'openid profile email',
    }
  },
  state: () => (memory.state = crypto.randomUUID()),
  clientInformation: () => memory.client,
  saveClientInformation: (client) => { memory.client = client },
  tokens: () => memory.tokens,
  saveTokens: (tokens) => { memory.tokens = tokens },
  redirectToAuthorization: (url) => {
    for (const [name, value] of Object.entries(wanted)) url.searchParams.set(name, value)
    memory.redirect = url.href
  },
  saveCodeVerifier: (verifier) => { memory.verifier = verifier },
  codeVerifier: () => memory.verifier,
}

const registered = () => ({ client_id: memory.client?.client_id, document: !!CLIENT_METADATA_URL })

const routes = {
  '/.well-known/oauth-protected-resource/mcp': () =>
    ({ resource: server, authorization_servers: [ISSUER], scopes_supported: ['openid', 'profile', 'email'] }),
  '/.well-known/oauth-protected-resource': () =>
    ({ resource: server, authorization_servers: [ISSUER], scopes_supported: ['openid', 'profile', 'email'] }),

  // The protected server: what the token says, once it is found to be for this server.
  '/mcp': async (query, request) => {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /i, '')
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: server, typ: 'at+jwt' })
    return payload
  },

  '/login': async (query) => {
    wanted = Object.fromEntries(query)
    memory = { client: memory.client }
    await auth(provider, { serverUrl: server })
    return { redirect: memory.redirect }
  },

  '/callback': async (query) => {
    if (query.get('error')) throw Object.assign(new Error(query.get('error_description')), { error: query.get('error') })
    if (query.get('state') !== memory.state) throw new Error('another state')
    const result = await auth(provider, { serverUrl: server, authorizationCode: query.get('code') })
    return { result, ...registered(), refreshable: !!memory.tokens.refresh_token }
  },

  // The document as this process gets it, which has to believe the authority behind it.
  '/document': async () => (await fetch(CLIENT_METADATA_URL)).json(),

  // The protocol has no sign-out; this is OpenID Connect's, with what the SDK has found and kept.
  '/logout': async () => {
    const metadata = await discoverAuthorizationServerMetadata(ISSUER)
    const url = new URL(metadata.end_session_endpoint)
    url.searchParams.set('id_token_hint', memory.tokens.id_token)
    url.searchParams.set('post_logout_redirect_uri', `${base}/bye`)
    url.searchParams.set('state', 'leaving')
    return { redirect: url.href }
  },

  '/bye': async (query) => ({ bye: query.get('state') }),

  '/refresh': async () => {
    const before = memory.tokens.access_token
    const result = await auth(provider, { serverUrl: server })
    return { result, fresh: memory.tokens.access_token !== before }
  },

  '/use': async () => {
    const headers = { authorization: `Bearer ${memory.tokens.access_token}` }
    const answer = await fetch(server, { headers })
    return { status: answer.status, token: await answer.json() }
  },

  '/userinfo': async () => {
    const headers = { authorization: `Bearer ${memory.tokens.access_token}` }
    return (await fetch(`${ISSUER}/oauth2/userinfo`, { headers })).json()
  },
}

createServer(async (request, response) => {
  const url = new URL(request.url, base)
  const route = routes[url.pathname]
  if (!route) return response.writeHead(404).end()
  try {
    const answer = await route(url.searchParams, request)
    if (answer.redirect) return response.writeHead(303, { location: answer.redirect }).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  } catch (error) {
    const told = { error: error.error ?? error.errorCode ?? error.code ?? error.name, description: error.message }
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(told))
  }
}).listen(Number(PORT), '127.0.0.1')
