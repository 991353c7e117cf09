// Encrypts and decrypts with the jose package. One JSON question on standard input, one JSON answer:
//   { generate, crv }            -> { public, private }
//   { encrypt, jwk, alg, enc }   -> { token }
//   { decrypt, jwk }             -> { text, header }

import * as jose from 'jose'

let input = ''
for await (const chunk of process.stdin) input += chunk
const question = JSON.parse(input)

const answers = {
  async generate({ generate, crv }) {
    const { publicKey, privateKey } = await jose.generateKeyPair(generate, { crv, extractable: true })
    return { public: await jose.exportJWK(publicKey), private: await jose.exportJWK(privateKey) }
  },

  async encrypt({ encrypt, jwk, alg, enc }) {
    const header = { alg, enc, kid: jwk.kid, cty: 'JWT' }
    const sealed = new jose.CompactEncrypt(new TextEncoder().encode(encrypt)).setProtectedHeader(header)
    return { token: await sealed.encrypt(await jose.importJWK(jwk, alg)) }
  },

  async decrypt({ decrypt, jwk }) {
    const key = await jose.importJWK(jwk, jose.decodeProtectedHeader(decrypt).alg)
    const { plaintext, protectedHeader } = await jose.compactDecrypt(decrypt, key)
    return { text: new TextDecoder().decode(plaintext), header: protectedHeader }
  },
}

const name = Object.keys(answers).find((name) => name in question)
console.log(JSON.stringify(await answers[name](question)))
