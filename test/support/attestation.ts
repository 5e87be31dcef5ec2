import { createPrivateKey, sign, X509Certificate } from 'node:crypto'
import { cborBytes, cborInt, cborList, cborMap, cborText } from './authenticator.ts'

/* Statements of attestations in the format "packed" (WebAuthn Level 3, 8.2). */

/** A maker's certificate as the format wants it. It is the maker's own, and protects nothing. */
const certificate = new X509Certificate(`-----BEGIN CERTIFICATE-----
MIICDzCCAbagAwIBAgIUdVIcdfTyDFw+CLu5qUlIENWQs08wCgYIKoZIzj0EAwIw
XjELMAkGA1UEBhMCREUxDjAMBgNVBAoMBVRlc3RzMSIwIAYDVQQLDBlBdXRoZW50
aWNhdG9yIEF0dGVzdGF0aW9uMRswGQYDVQQDDBJUZXN0IEF1dGhlbnRpY2F0b3Iw
IBcNMjYxMTI2MTEzNjA2WhgPMjEyNjExMDIxMTM2MDZaMF4xCzAJBgNVBAYTAkRF
MQ4wDAYDVQQKDAVUZXN0czEiMCAGA1UECwwZQXV0aGVudGljYXRvciBBdHRlc3Rh
dGlvbjEbMBkGA1UEAwwSVGVzdCBBdXRoZW50aWNhdG9yMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEyVxs2uAebyibT3/YfeCg5QqnYKQHG4k8mwlheMZWhExg81a4
k9WSS6IH0nmr+KaTGRIPRLHIZvuSmvqM3cwx8qNQME4wHQYDVR0OBBYEFJzrufXM
HlZX1IB3iPrBuYJTly8LMB8GA1UdIwQYMBaAFJzrufXMHlZX1IB3iPrBuYJTly8L
MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDRwAwRAIgH9K8FiGJTan2yg6+ApWg
ANCul0t8fUYv3vPCT69s4MMCIBsGrNbiyzwvZ8Z9aM6nhoYPzaAlwBhiLlU/Gam/
TdOz
-----END CERTIFICATE-----
`)
const certificateKey = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTHBiU9ITnrsqhhnh
tGuTPQvVaAcABnBXEjMYj589pd+hRANCAATJXGza4B5vKJtPf9h94KDlCqdgpAcb
iTybCWF4xlaETGDzVriT1ZJLogfSeav4ppMZEg9Eschm+5Ka+ozdzDHy
-----END PRIVATE KEY-----
`)

type Statement = readonly [fmt: string, statement: Buffer]

/** A signature by the passkey's own key. */
export function selfAttested(alg: number, signature: Buffer): Statement {
  return ['packed', cborMap(signed(alg, signature))]
}

/** A right signature by the certificate of a maker. */
export function certified(data: Buffer): Statement {
  const x5c = [cborText('x5c'), cborList([cborBytes(certificate.raw)])] as const
  return ['packed', cborMap([...signed(-7, sign('sha256', data, certificateKey)), x5c])]
}

function signed(alg: number, signature: Buffer): (readonly [Buffer, Buffer])[] {
  return [
    [cborText('alg'), cborInt(alg)],
    [cborText('sig'), cborBytes(signature)],
  ]
}
