// Drives the official JavaScript clients: one order per line of standard input, one answer per line of output.
"use strict";

const readline = require("node:readline");
const { $OpenApiUtil } = require("@alicloud/openapi-core");

const PACKAGES = {
  ram: require("@alicloud/ram20150501"),
  sts: require("@alicloud/sts20150401"),
  ims: require("@alicloud/ims20190815"),
};
const RPCClient = require("@alicloud/pop-core").RPCClient;
const { default: Credential, Config: CredentialConfig } = require("@alicloud/credentials");

async function callClient({ package: name, operation, request, config }) {
  const { default: Client, ...models } = PACKAGES[name];
  const client = new Client(new $OpenApiUtil.Config(config));
  const Request = models[operation[0].toUpperCase() + operation.slice(1) + "Request"];
  const answer = Request === undefined ? client[operation]() : client[operation](new Request(request ?? {}));
  return (await answer).body;
}

async function callPop({ operation, request, config }) {
  const client = new RPCClient({
    endpoint: `${config.protocol.toLowerCase()}://${config.endpoint}`,
    apiVersion: config.apiVersion,
    accessKeyId: config.accessKeyId,
    accessKeySecret: config.accessKeySecret,
    securityToken: config.securityToken,
  });
  return client.request(operation, request ?? {}, { method: config.method ?? "GET" });
}

async function getCredential({ request, config }) {
  const options = { accessKeyId: config.accessKeyId, accessKeySecret: config.accessKeySecret };
  const credential = new Credential(new CredentialConfig({ ...options, ...request, stsEndpoint: config.endpoint }));
  return credential.getCredential();
}

async function carryOut(order) {
  switch (order.package) {
    case "pop":
      return callPop(order);
    case "credentials":
      return getCredential(order);
    default:
      return callClient(order);
  }
}

function describe(error) {
  const { name, code, statusCode, data, message } = error;
  return { name, code: code ?? null, status: statusCode ?? null, data: data ?? {}, message };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { body: (await carryOut(JSON.parse(line))) ?? null };
    } catch (error) {
      answer = { refused: describe(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0); // idle connections of the clients would keep the process
}

main();
