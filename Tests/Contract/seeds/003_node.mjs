const RESELLER_API_KEY = 'psx_your_key';
const API_BASE = 'https://api.proxies.sx/v1';
class ResellerAPI {
async createCustomer(email, name, portSlots) {
const response = await fetch(`${API_BASE}/reseller/customers`, {
method: 'POST',
headers: {
'X-API-Key': RESELLER_API_KEY,
'Content-Type': 'application/json'
},
body: JSON.stringify({
email,
name,
allocatedPortSlots: portSlots
})
});
return response.json();
}
async createProxyForCustomer(customerId, countryId, days = 30) {
const response = await fetch(`${API_BASE}/reseller/ports`, {
method: 'POST',
headers: {
'X-API-Key': RESELLER_API_KEY,
'Content-Type': 'application/json'
},
body: JSON.stringify({ customerId, countryId, days })
});
return response.json();
}
async rotateProxy(portId) {
const response = await fetch(`${API_BASE}/reseller/ports/${portId}/rotate`, {
method: 'POST',
headers: { 'X-API-Key': RESELLER_API_KEY }
});
return response.json();
}
}
// Usage
const api = new ResellerAPI();
// Create customer
const customer = await api.createCustomer('john@acme.com', 'John', 10);
// Create proxy for them
const proxy = await api.createProxyForCustomer(customer._id, 'germany_id', 30);
console.log(`Proxy ready: ${proxy.port.serverIp}:${proxy.port.httpPort}`);
