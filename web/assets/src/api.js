// Requests to the server that this page came from; the key travels as a cookie that no script reads.

export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const json = await response.json().catch(() => ({}));
  if (response.ok) return json;
  if (response.status === 401) window.location.assign("/");
  throw new Error(json.error?.message || `The server answered ${response.status}.`);
}
