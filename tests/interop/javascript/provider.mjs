// An OpenID Provider by the npm package `oidc-provider`, with the package's own sign-in pages.
// The first line of standard input is the configuration; each further line replaces what is said of people.
import readline from "node:readline";
import { Provider } from "oidc-provider";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { port, issuer, clients } = JSON.parse((await lines.next()).value);
let people = {};

const provider = new Provider(issuer, {
  clients,
  claims: { openid: ["sub"], profile: ["name", "cloud_groups", "cloud_roles"], email: ["email", "email_verified"] },
  conformIdTokenClaims: false,
  features: {
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  cookies: { keys: ["of-this-test"] },
  async findAccount(_context, login) {
    return { accountId: login, claims: () => ({ sub: login, ...people[login] }) };
  },
});
const heard = (event) => (context) => console.log(JSON.stringify({ event, path: context.path }));
provider.on("pushed_authorization_request.success", heard("pushed"));
provider.on("backchannel.success", (_context, client) => console.log(JSON.stringify({ event: "told", client: client.clientId })));
provider.on("backchannel.error", (_context, error) => console.log(JSON.stringify({ event: "not-told", error: `${error}` })));
provider.on("server_error", (_context, error) => console.error(error));

const server = provider.listen(port, "127.0.0.1", () => console.log(JSON.stringify({ event: "ready" })));
for await (const line of lines) {
  people = JSON.parse(line);
  console.log(JSON.stringify({ event: "known" }));
}
server.closeAllConnections();
server.close();
