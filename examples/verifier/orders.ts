import type { GuardedRequest, Verifier } from 'annul/verify'
import { type Request, Router } from 'express'

/** A REST service: who sends a request comes from the token alone. */
export function orders(verifier: Verifier): Router {
  const router = Router()
  router.get('/orders', verifier.express(), (request: Request & GuardedRequest, response) => {
    response.json({ ordersOf: request.auth?.userId })
  })
  router.delete('/orders', verifier.express({ roles: ['admin'] }), (_request, response) => {
    response.status(204).end()
  })
  return router
}
