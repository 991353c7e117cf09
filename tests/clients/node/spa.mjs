// Serves a single-page app on oidc-client-ts. The app has no server part: these are its files.
// Environment: ISSUER, CLIENT_ID, PORT.

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'

const { ISSUER, CLIENT_ID, PORT } = process.env
const library = await readFile(
  new URL('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url))
const base = `http://localhost:${PORT}`
const settings = {
  authority: ISSUER,
  client_id: CLIENT_ID,
  redirect_uri: `${base}/callback`,
  silent_redirect_uri: `${base}/silent`,
  post_logout_redirect_uri: `${base}/bye`,
  scope: 'openid profile email',
  loadUserInfo: true,
}

const page = `<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title>
<script src=/oidc-client-ts.min.js></script>
<p><button id=login>Sign in</button> <button id=wrong>Sign in wrongly</button>
<button id=silent>Renew in a frame</button> <button id=refresh>Refresh</button>
<button id=quiet>Ask quietly</button> <button id=logout>Sign out</button></p>
<pre id=state></pre>
<script>
const manager = new oidc.UserManager(${JSON.stringify(settings)})
const show = (value) => { document.getElementById('state').textContent = JSON.stringify(value) }
const told = (user) => ({ sub: user.profile.sub, email: user.profile.email, token: user.access_token.slice(-12) })
const attempt = (what) => async () => {
  try { show(await what()) } catch (error) { show({ error: error.error ?? error.name, message: error.message }) }
}
const on = (id, what) => { document.getElementById(id).onclick = attempt(what) }
on('login', () => manager.signinRedirect())
on('wrong', () => manager.signinRedirect({ redirect_uri: '${base}/elsewhere' }))
on('silent', async () => told(await manager.signinSilent({ forceIframeAuth: true })))
on('refresh', async () => told(await manager.signinSilent()))
on('quiet', () => manager.signinRedirect({ prompt: 'none' }))
on('logout', () => manager.signoutRedirect())
if (location.pathname === '/callback') attempt(async () => told(await manager.signinRedirectCallback()))()
if (location.pathname === '/silent') manager.signinSilentCallback()
if (location.pathname === '/bye') attempt(async () => { await manager.signoutRedirectCallback(); return { bye: true } })()
</script>`

createServer((request, response) => {
  const { pathname } = new URL(request.url, base)
  if (pathname === '/oidc-client-ts.min.js') {
    return response.writeHead(200, { 'content-type': 'text/javascript' }).end(library)
  }
  const known = ['/', '/callback', '/silent', '/bye'].includes(pathname)
  response.writeHead(known ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(known ? page : '')
}).listen(Number(PORT), '127.0.0.1')
