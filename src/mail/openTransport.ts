import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import { loadOptional } from '../optional.ts'
import { openFiles } from './files.ts'
import { senderOf, type Transport } from './transport.ts'

/** SMTP where ANNUL_SMTP_URL is set, files where it is not. @throws MissingPackagesError */
export async function openTransport(
  { config, log }: { config: Config; log: Log },
  { production }: { production: boolean },
): Promise<Transport> {
  const from = senderOf(config)
  if (config.smtpUrl === undefined) {
    if (production)
      log.warn(
        { folder: resolve(config.dataDir, 'outbox') },
        'Mails are only written to files, because ANNUL_SMTP_URL is not set.',
      )
    return openFiles(config.dataDir, from, log)
  }
  if (config.mailFrom === undefined && config.publicUrl === undefined)
    log.warn(
      { from: from.address },
      'ANNUL_MAIL_FROM is not set, nor ANNUL_PUBLIC_URL: the sender of mails is no address that can be answered.',
    )
  const { openSmtp } = await loadOptional(
    'ANNUL_SMTP_URL (smtpUrl)',
    ['nodemailer'],
    () => import('./smtp.ts'),
  )
  return openSmtp(config.smtpUrl, from)
}
