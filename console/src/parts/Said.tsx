/** What has just been done, for eyes and screen readers. The element is there before its text, so that the text is read. */
export function Said({ text }: { text: string | undefined }) {
  return <div role="status">{text && <p className="said">{text}</p>}</div>
}
