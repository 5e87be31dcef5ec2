import express from 'express'
import { expressjwt } from 'express-jwt'
import jwksRsa from 'jwks-rsa'

/*
 * A service that verifies tokens by express-jwt and jwks-rsa, in a process of its own: jwks-rsa requires an ES module,
 * which Node can do and Jest can not. Its arguments are the issuer and the algorithm. It writes its URL, and answers the
 * `sub` of the token.
 */

const [issuer = '', algorithm = ''] = process.argv.slice(2)

const app = express()
app.use(
  expressjwt({
    secret: jwksRsa.expressJwtSecret({
      cache: true,
      rateLimit: true,
      jwksRequestsPerMinute: 5,
      jwksUri: `${issuer}/.well-known/jwks.json`,
    }),
    audience: 'annul',
    issuer,
    algorithms: [algorithm],
  }),
)
app.get('/', (request, response) => {
  response.send(request.auth.sub)
})
// The signature of an error handler has four parameters.
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).send(error.code)
})
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`)
})
