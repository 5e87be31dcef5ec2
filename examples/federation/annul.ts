import { startServer } from 'annul'

/** Annul as a subgraph, as `ANNUL_FEDERATION=on npx annul serve` is one. */
export async function startAnnul(): Promise<string> {
  const annul = await startServer({
    ...{ port: 0, host: '127.0.0.1', trustedProxies: ['127.0.0.1'] },
    federation: true,
    // The gateways read its SDL where they start.
    introspection: true,
  })
  return annul.url
}
